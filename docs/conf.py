"""Settings of the documentation."""

from brainreg3d import __version__

project = "brainreg3d"
author = "The brainreg3d developers"
copyright = "2026, The brainreg3d developers"
release = version = __version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Images of the mouse cortex on the Allen brain"}

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc states them with shapes and units
default_role = "py:obj"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
