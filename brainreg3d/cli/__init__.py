"""The command line."""

from brainreg3d.cli.main import main

__all__ = ["main"]
