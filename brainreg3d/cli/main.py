"""The group of commands, and what becomes of errors."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from brainreg3d._version import __version__
from brainreg3d.cli.align_command import align
from brainreg3d.cli.atlas_commands import fetch, regions
from brainreg3d.cli.batch_command import batch
from brainreg3d.cli.export_command import export_atlas
from brainreg3d.cli.image_dialog import choose_image
from brainreg3d.cli.lookup_command import lookup
from brainreg3d.cli.run_commands import demo, register, run, show
from brainreg3d.cli.traces_command import traces
from brainreg3d.cli.transfer_command import transfer
from brainreg3d.errors import BrainReg3DError, did_you_mean

INTERRUPTED = 130
NOTHING_DONE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="brainreg3d")
def brainreg3d() -> None:
    """Put cortical images onto the Allen mouse brain and write a mask for each region."""


for _command in (
    run,
    align,
    transfer,
    batch,
    traces,
    lookup,
    register,
    demo,
    fetch,
    regions,
    export_atlas,
    show,
):
    _command.params.append(
        click.Option(["--debug"], is_flag=True, expose_value=False, help="Show tracebacks.")
    )
    brainreg3d.add_command(_command)


def main(
    arguments: Sequence[str] | None = None,
    prog_name: str = "brainreg3d",
    default_command: str | None = None,
) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process when not given.
    prog_name : str
        How usage messages call the program.
    default_command : str, optional
        The command that is meant when the first argument names none. Without any arguments the
        image to run is asked for in a file dialog, where there is a screen.

    Returns
    -------
    int
        Exit code: 0 only on success.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    _show_warnings()
    group_options = {"-h", "--help", "--version"}
    if default_command and words and words[0] not in {*brainreg3d.commands, *group_options}:
        if (problem := _mistyped(words[0])) is not None:
            problem.show()
            return problem.exit_code
        words.insert(0, default_command)
    try:
        if not words:
            chosen = choose_image()
            if chosen is None:
                return _show_help(prog_name)
            words = ["run", str(chosen)]
        code = brainreg3d.main(words, prog_name=prog_name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except Exception as error:
        return _fail(error, debug="--debug" in words)
    return code if isinstance(code, int) else 0


def _mistyped(word: str) -> click.UsageError | None:
    """Return the error for a word that is nearly a command, and no file."""
    hint = did_you_mean(word, brainreg3d.commands)
    if word.startswith("-") or not hint or Path(word).suffix or Path(word).exists():
        return None
    return click.UsageError(f"There is no command {word!r}, and no such image.{hint}")


def _show_help(prog_name: str) -> int:
    settings = brainreg3d.context_settings
    with click.Context(brainreg3d, info_name=prog_name, **settings) as context:
        click.echo(context.get_help(), err=True)
    return NOTHING_DONE


def _fail(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, BrainReg3DError):
        click.echo(f"Error: {text}", err=True)
    elif isinstance(error, MemoryError):
        click.echo(f"Error: not enough memory ({text}).", err=True)
    else:
        kind = type(error).__name__
        click.echo(f"Error: unexpected {kind}: {text}", err=True)
        click.echo("Run again with --debug for the traceback, and please report it.", err=True)
    return 1


class _Handler(logging.Handler):
    """Prints log messages the way the rest of the command line prints."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "Warning: " if record.levelno >= logging.WARNING else ""
        click.echo(f"{prefix}{record.getMessage()}", err=True)


def _show_warnings() -> None:
    logger = logging.getLogger("brainreg3d")
    if not any(isinstance(handler, _Handler) for handler in logger.handlers):
        logger.addHandler(_Handler())
        logger.propagate = False
