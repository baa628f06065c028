"""``python -m brainreg3d IMAGE`` is ``brainreg3d run IMAGE``."""

import sys

from brainreg3d.cli import main

if __name__ == "__main__":
    sys.exit(main(prog_name="python -m brainreg3d", default_command="run"))
