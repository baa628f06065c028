"""Opening an earlier registration, from the files it left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brainreg3d.atlas import Atlas
from brainreg3d.pipeline import BrainReg3D
from brainreg3d.result import Result
from brainreg3d.steps import Step


def load_registration_result(
    path: str | Path,
    *,
    atlas: str | Atlas | None = None,
    template_source: Step | None = None,
    **changes: Any,
) -> Result:
    """Open an earlier registration; the same as `BrainReg3D.load`.

    Parameters
    ----------
    path : path-like
        The run file ``<stem>_run.json``, the alignment file beside it, or the folder of both.
    atlas : str or Atlas, optional
        Instead of the atlas that the run file names; needed when the run was given one that was
        made in memory.
    template_source : Step, optional
        Instead of `atlas`: a step that provides one, such as `LocalTemplateSource`.
    **changes
        As `BrainReg3D.load` takes them.

    Returns
    -------
    Result
        To plot, to export, or to go on with.

    Raises
    ------
    MissingFileError
        If there is no such run, or something that is needed is not there.
    InputError
        If a file is damaged.
    PlanError
        If an argument cannot be given here.
    """
    return BrainReg3D.load(path, atlas=atlas, template_source=template_source, **changes)
