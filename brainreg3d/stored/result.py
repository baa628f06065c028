"""A result that takes what is stored from files, and computes the rest when it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d._logging import logger
from brainreg3d.errors import AtlasError
from brainreg3d.pose_sigma import PoseSigma
from brainreg3d.result import Result
from brainreg3d.state import Alignment, Image, Labels, Outputs, Projections, State, VisibleSamples
from brainreg3d.stored.chain import Chain
from brainreg3d.stored.label_file import StoredLabels


class PartlyStoredLabels(Labels):
    """Labels whose sides and depths are computed when they are asked for.

    Parameters
    ----------
    labels : numpy.ndarray of uint16, shape (H, W)
        From the file.
    hemisphere, depth_mm : numpy.ndarray of shape (H, W), or callable
        The maps, or what returns them.
    unseen : mapping of str to str
        Acronyms of regions without a pixel, and why.
    """

    def __init__(
        self,
        labels: NDArray[np.uint16],
        hemisphere: NDArray[np.uint8] | Callable[[], NDArray[np.uint8]],
        depth_mm: NDArray[np.float32] | Callable[[], NDArray[np.float32]],
        unseen: Mapping[str, str],
    ) -> None:
        # A frozen attrs class with some fields that are made later has to be filled by hand.
        for name, value in (
            ("labels", read_only(labels)),
            ("unseen", unseen),
            ("_hemisphere", hemisphere),
            ("_depth_mm", depth_mm),
        ):
            object.__setattr__(self, name, value)

    @property
    def hemisphere(self) -> NDArray[np.uint8]:
        """Side of every pixel, shape (H, W)."""
        made: NDArray[np.uint8] = _made(vars(self)["_hemisphere"])
        return made

    @property
    def depth_mm(self) -> NDArray[np.float32]:
        """Distance of the tissue below the image plane, shape (H, W)."""
        made: NDArray[np.float32] = _made(vars(self)["_depth_mm"])
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle what makes the maps; attrs would make them for it."""
        maps = vars(self)["_hemisphere"], vars(self)["_depth_mm"]
        return type(self), (self.labels, *maps, self.unseen)

    def __repr__(self) -> str:
        return f"<Labels of {self.labels.shape[0]} x {self.labels.shape[1]} px, from a file>"


def _made(value: Any) -> Any:
    return value() if callable(value) else read_only(value)


class StoredResult(Result):
    """The results of an earlier run, from its files.

    Labels, masks and why regions are unseen need neither atlas nor image. Sides, depths, maps of
    the surface, projections and the certainty of labels are computed when they are asked for, by
    the steps and with the parameters of the run.

    Parameters
    ----------
    chain : Chain
        Computes what is not stored.
    stored : StoredLabels or None
        The labels; None where all is computed.
    files : mapping of str to pathlib.Path
        The files of the run that are there.
    pose_sigma : PoseSigma or None
        How uncertain the user said that the pose is.
    stand_in : Image
        What is known of the image, for records.
    """

    def __init__(
        self,
        chain: Chain,
        stored: StoredLabels | None,
        files: Mapping[str, Path],
        pose_sigma: PoseSigma | None,
        stand_in: Image,
    ) -> None:
        vars(self).update(
            _chain=chain,
            _stored=stored,
            _files=dict(files),
            _steps=chain.steps,
            _pose_sigma=pose_sigma,
            _certainty=None,
            _stand_in=stand_in,
            plots_folder=None,
        )

    _chain: Chain
    _stored: StoredLabels | None
    _files: Mapping[str, Path]
    _stand_in: Image

    @property
    def needs_labelling(self) -> bool:
        """Whether there are no labels to be taken from a file."""
        return self._stored is None

    def label(self) -> None:
        """Label the pixels now, and not when it is asked for.

        Raises
        ------
        BrainReg3DError
            If that is not possible.
        """
        self.state  # noqa: B018 - made by being looked at

    @functools.cached_property
    def state(self) -> State:
        """Inputs and results; with stored labels, without the samples that made them."""
        chain, stored = self._chain, self._stored
        outputs = Outputs(self._files)
        if stored is None:
            return attrs.evolve(chain.labelled, outputs=outputs)
        found = [(region.acronym, region.id) for region in chain.regions]
        if found != list(zip(stored.acronyms, stored.ids, strict=True)):
            message = (
                f"{chain.atlas.full_name} has other regions than the run recorded, "
                f"{', '.join(stored.acronyms[:5])} ...; give the atlas of the run (atlas=, "
                f"template_source=), or name regions (brain_regions=) to label pixels again."
            )
            raise AtlasError(message)
        labels = PartlyStoredLabels(
            stored.labels,
            functools.partial(self._map, "hemisphere"),
            functools.partial(self._map, "depth_mm"),
            stored.unseen,
        )
        return attrs.evolve(chain.placed, labels=labels, outputs=outputs)

    def _map(self, name: str) -> Any:
        return getattr(self._labelled_again.labels, name)

    @functools.cached_property
    def _labelled_again(self) -> State:
        """The state with all that is not stored."""
        state, stored = self._chain.labelled_quietly, self._stored
        if stored is not None and state.labels is not None:
            n_other = np.count_nonzero(state.labels.labels != stored.labels)
            if n_other:
                logger.warning(
                    "Computed now, %d pixels have another label than in the file; sides, depths "
                    "and projections go with what is computed now. Run the registration again to "
                    "have all of one kind.",
                    n_other,
                )
        return state

    @property
    def image(self) -> Image | None:
        """The image, read when its pixels are asked for; None where it is not to be found."""
        return self._chain.image

    @property
    def alignment(self) -> Alignment:
        """Where the image lies."""
        return self._chain.alignment

    @property
    def labels(self) -> NDArray[np.uint16] | None:
        """Region of every pixel, shape (H, W): 0 for none, else 1 + index into `regions`."""
        return super().labels if self._stored is None else self._stored.labels

    @property
    def unseen(self) -> Mapping[str, str] | None:
        """Acronyms of the regions without a pixel, and why."""
        return super().unseen if self._stored is None else self._stored.unseen

    @property
    def projections(self) -> Projections | None:
        """Samples of the regions on the image, visible or not."""
        return self._labelled_again.projections

    @property
    def visible(self) -> VisibleSamples | None:
        """The samples nearest to the camera."""
        return self._labelled_again.visible

    @property
    def files(self) -> Mapping[str, Path]:
        """The files of the run that are there, by kind."""
        return self._files

    @property
    def _acronyms(self) -> tuple[str, ...] | None:
        return super()._acronyms if self._stored is None else self._stored.acronyms

    @property
    def _image_record(self) -> Image:
        return self._stand_in

    def _confidence(
        self,
        sigma: PoseSigma,
        n_draws: int,
        seed: int,
        numbers: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        self._chain.check_mask()
        return super()._confidence(sigma, n_draws, seed, numbers)

    def __repr__(self) -> str:
        rows, columns = self.alignment.view.shape
        n_regions = len(self._acronyms or ())
        seen = n_regions - len(self.unseen or {})
        parts = [f"{n_regions} regions", f"{seen} seen on {rows} x {columns} px"]
        folder = next(iter(self._files.values())).parent
        return f"<Result: {', '.join(parts)}, loaded from {folder}>"
