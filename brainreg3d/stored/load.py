"""Loading an earlier run: what is taken from its files, and what has to be computed again."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from brainreg3d._logging import logger
from brainreg3d.errors import BrainReg3DError, PlanError, did_you_mean
from brainreg3d.inputs import region_names_of
from brainreg3d.pose_sigma import PoseSigma, given_sigma
from brainreg3d.state import Registration
from brainreg3d.steps import MaskWriter, Step
from brainreg3d.steps.write import FILE_NAMES
from brainreg3d.stored.atlas import StoredAtlas, atlas_of
from brainreg3d.stored.chain import Chain
from brainreg3d.stored.label_file import StoredLabels, read_labels, table_of_file, table_of_regions
from brainreg3d.stored.provenance import provenance_of
from brainreg3d.stored.record import Record, damaged, read_record
from brainreg3d.stored.recorded_steps import steps_of
from brainreg3d.stored.result import StoredResult
from brainreg3d.stored.view import StoredView, view_of
from brainreg3d.stored.window_mask import StoredMask, mask_of

OPTIONS = (
    "image", "frame", "image_dims_mm", "pixel_size_mm", "atlas", "template_source", "brain_regions",
    "overlap", "method", "occluders", "label_depth_um", "along", "hemisphere", "window_mask",
    "camera_distance_mm", "principal_point_px", "focal_point", "bregma", "pose_sigma_mm",
    "pose_sigma_deg",
)  # fmt: skip
"""Arguments of `BrainReg3D` that may be given anew when a result is loaded."""


def load_stored(
    path: str | Path,
    slots: Mapping[str, Any],
    defaults: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> StoredResult:
    """Load the result of an earlier run from its files.

    Parameters
    ----------
    path : path-like
        A folder with one run, one of its files, or an alignment file alone.
    slots : mapping of str to (Step or type)
        What fills each slot.
    defaults : mapping
        What holds for a lone alignment: ``brain_regions``, and class attributes of `BrainReg3D`
        by their names.
    changes : mapping
        Arguments that are given anew, among `OPTIONS`.

    Returns
    -------
    StoredResult
        With its labels; whatever else is not stored is computed when it is asked for.

    Raises
    ------
    MissingFileError
        If there is no such run, or something that is needed at once is not there.
    InputError
        If its files are damaged.
    PlanError
        If an argument cannot be given here.
    """
    for name in changes:
        if name not in OPTIONS:
            message = (
                f"load takes no {name!r}.{did_you_mean(name, OPTIONS)} What may be given anew is "
                f"{', '.join(OPTIONS)}; for all else, run the registration again."
            )
            raise PlanError(message)
    given = {name: value for name, value in changes.items() if value is not None}
    if "camera_distance_mm" in changes:  # None is a camera of its own
        given["camera_distance_mm"] = changes["camera_distance_mm"]
    record = read_record(Path(path))
    loading = _Loading(record, slots, defaults, given)
    try:
        result = loading.prepare()
    except BrainReg3DError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise damaged(record.path, error) from error
    if result.needs_labelling:
        for reason in loading.reasons:
            logger.info("Pixels are labelled again: %s.", reason)
        result.label()
    return result


@attrs.frozen(eq=False, slots=False)
class _Loading:
    """The parts of a result, each from the record or from what is given instead."""

    record: Record
    slots: Mapping[str, Any]
    defaults: Mapping[str, Any]
    given: Mapping[str, Any]

    @functools.cached_property
    def view(self) -> StoredView:
        return view_of(self.record, self.given, self.defaults)

    @functools.cached_property
    def atlas(self) -> StoredAtlas:
        return atlas_of(self.record, self.slots["TemplateSource"], self.given, self.defaults)

    @functools.cached_property
    def mask(self) -> StoredMask:
        return mask_of(self.record, self.given.get("window_mask"), self.view.shape)

    @functools.cached_property
    def steps(self) -> tuple[dict[str, Step], str]:
        return steps_of(self.record, self.slots, self.given, self.defaults)

    @functools.cached_property
    def brain_regions(self) -> tuple[str | int, ...]:
        names = self.given.get("brain_regions", self._recorded_regions)
        return region_names_of(names) or ()

    @property
    def _recorded_regions(self) -> Any:
        return self.record.run.get("brain_regions", self.defaults["brain_regions"])

    @property
    def reasons(self) -> list[str]:
        """Why the labels of the file do not hold, if so."""
        if not self.record.run:
            return ["there is an alignment alone"]
        reasons = [self.view.changed, self.atlas.changed, self.mask.changed, self.steps[1]]
        if self.brain_regions != region_names_of(self._recorded_regions):
            reasons.append("other regions are asked for")
        if "labels" not in self.record.files:
            reasons.append("there is no label image")
        elif "labels" in self.record.changed:
            reasons.append("the label image has changed")
        return [reason for reason in reasons if reason]

    def prepare(self) -> StoredResult:
        """Return the result; labels that are not stored are not there yet."""
        sigma = self._sigma()
        chain = Chain(
            steps=self._placed_steps(),
            load=self.atlas.load,
            alignment=self.view.alignment,
            image=self.view.image,
            brain_regions=self.brain_regions,
            window_mask=self.mask.mask,
            lost_mask=self.mask.lost,
            registration=self._registration(),
            annotation_sha256=self.atlas.annotation_sha256,
            provenance=functools.partial(
                provenance_of,
                self.record,
                self.given,
                self.steps[0],
                self.brain_regions,
                sigma,
                is_labelled_again=bool(self.reasons),
                window_mask=self.mask.mask,
            ),
        )
        stored = None if self.reasons else self._stored_labels(chain)
        return StoredResult(chain, stored, self.record.files, sigma, self.view.stand_in)

    def _stored_labels(self, chain: Chain) -> StoredLabels | None:
        record = self.record
        usable = "regions" in record.files and "regions" not in record.changed
        table = table_of_file(record.files["regions"]) if usable else []
        if not table:
            table = table_of_regions(chain.regions, record.parameters("MaskWriter"))
        return read_labels(
            record.files["labels"], table, self.view.shape, record.run.get("unseen", {})
        )

    def _placed_steps(self) -> dict[str, Step]:
        """Return the steps; further files go to where those of the run are."""
        steps, _ = self.steps
        writer = steps["MaskWriter"]
        if not isinstance(writer, MaskWriter):
            return steps
        name = self.record.path.name
        suffixes = (FILE_NAMES["run"], FILE_NAMES["alignment"], self.record.path.suffix)
        stem = name.removesuffix(next(s for s in suffixes if name.endswith(s)))
        return {**steps, "MaskWriter": writer.replace(output_dir=self.record.folder, stem=stem)}

    def _sigma(self) -> PoseSigma | None:
        names = ("pose_sigma_mm", "pose_sigma_deg")
        if any(name in self.given for name in names):
            return given_sigma(*(self.given.get(name) for name in names))
        return given_sigma(*(self.record.run.get(name) for name in names))

    def _registration(self) -> Registration | None:
        found = self.record.run.get("registration")
        if found is None:
            return None
        return Registration(
            matrix=np.asarray(found["atlas_to_volume_mm"], dtype=np.float64),
            directions=found["orientation"],
            metric_value=found["metric_value"],
            stop_condition="",
            iterations=0,
            overlap=found["overlap"],
            covered=found["covered"],
            warnings=tuple(found["warnings"]),
        )
