"""The one logger of the package; silent until an application configures logging."""

import logging

logger = logging.getLogger("brainreg3d")
logger.addHandler(logging.NullHandler())
