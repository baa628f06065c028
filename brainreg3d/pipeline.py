"""BrainReg3D: the steps in their slots, run in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np

from brainreg3d import steps
from brainreg3d._overrides import adopt_overrides, check_spelling, fields_of
from brainreg3d.atlas import Atlas
from brainreg3d.destination import settle, target
from brainreg3d.errors import InputError, OutputError
from brainreg3d.execution import Execution
from brainreg3d.geometry import ImageView
from brainreg3d.inputs import (
    ImageMemory,
    Source,
    explicit_pixel_size,
    load_inputs,
    region_names_of,
)
from brainreg3d.io.images import load_image
from brainreg3d.options import (
    PARAMETERS_OF_OPTION,
    SLOTS,
    refuse_both,
    slots_to_redo,
    steps_of_run,
)
from brainreg3d.placement import check_alignment_file, view_of_earlier, with_pose_source
from brainreg3d.plan import Plan, make_plan
from brainreg3d.pose_sigma import given_sigma
from brainreg3d.result import Result
from brainreg3d.runner import Runner
from brainreg3d.state import State
from brainreg3d.steps import NOT_GIVEN, Step
from brainreg3d.steps.aligner import NotGiven
from brainreg3d.stored import load_stored

_ATTRS_OPTIONS: dict[str, Any] = {
    "slots": False,
    "eq": False,
    "repr": False,
    "on_setattr": attrs.setters.NO_OP,
    "field_transformer": adopt_overrides,
}


@attrs.define(**_ATTRS_OPTIONS)
class BrainReg3D:
    """Put an image onto a brain atlas and write a mask for each region.

    Every argument is an attribute and may be changed before the next `run`, which redoes only
    what the change touches. Slots and defaults are class attributes: override them in a subclass
    or assign to them.

    Parameters
    ----------
    image : path-like or array_like, optional
        The 2D image. An array needs `output_dir` for its results to be written.
    image_dims_mm : tuple of float, optional
        (width, height) of the image, outer edge to outer edge.
    pixel_size_mm : tuple of float, optional
        (row, column) size of a pixel; instead of `image_dims_mm`.
    alignment : path-like or Pose, optional
        Where the image lies: an alignment file of an earlier session, or a pose. When not given,
        the alignment saved beside the results is used if there is one, else a window asks.
    landmarks : path-like or sequence of Landmark, optional
        Instead of `alignment`: points of the image whose places in the brain are known; see
        `brainreg3d.steps.LandmarkAligner`.
    start : path-like or Pose, optional
        Where the image starts in the window: an earlier alignment, to correct it.
    anterior : {"up", "down", "left", "right"}, optional
        Where anterior is in the picture, so that the image starts turned like that.
    tilt : {"surface"}, optional
        Whether the image starts with the tilt of all of the surface that it sees, not only of
        that under its centre.
    atlas : str or Atlas, optional
        Name of an atlas; see `brainreg3d.steps.TemplateSource`.
    template_source : Step, optional
        Instead of `atlas`: a step that provides one, such as `LocalTemplateSource`.
    brain_regions : str or iterable of str or int, optional
        Acronyms, ids, names, or a cut: ``"families"``, ``"areas"``, ``"areas+layers"``,
        ``"wfield"`` or ``"all"``; ``_DEFAULT_BRAIN_REGIONS`` when not given.
    overlap : {"error", "deepest"}, optional
        Whether regions inside each other are an error, or each voxel belongs to the one that is
        deepest in the tree.
    camera_distance_mm : float or None, optional
        From the image plane to a camera that moves with it; None for parallel rays. What the
        alignment says, or 230 mm, when not given.
    principal_point_px : tuple of float, optional
        (row, column) under the camera's axis, for cropped sensors.
    focal_point : tuple of float, optional
        Instead of `camera_distance_mm`: vector (x, y, z) in mm from the centre of the imaging
        window to a camera whose direction stays fixed in the atlas however the image is tilted.
    cam : mapping, optional
        Camera with which the alignment window starts.
    bregma : str, optional
        Name of a bregma preset.
    method : {"exact", "original", "surface"}
        One ray for each pixel; or mesh vertices with a nearest-neighbour vote; or that vote on
        meshes that are sampled at every pixel.
    occluders : {"tissue", "regions"}, optional
        Whether all tissue hides what lies behind it or only the regions do; by the method.
    label_depth_um : float, optional
        Label pixels by the tissue this far below the surface that they see, in µm; 0, the surface
        itself, when not given. Needs ``method="exact"``.
    along : {"ray", "normal"}, optional
        Whether `label_depth_um` is counted along the ray, or straight into the surface.
    hemisphere : {"both", "left", "right"}, optional
        Which side is labelled; in the window the image starts over it.
    window_mask : path-like or array_like, optional
        Image that is not zero inside the imaging window; pixels outside have no region.
    frame : int, optional
        Which frame of a stack.
    volume : path-like or array_like, optional
        A 3D brain image to be registered to the template: a TIFF stack, a folder of slices, NRRD,
        NIfTI, OME-Zarr, or an array, slowest axis first.
    volume_spacing_mm : tuple of float, optional
        Voxel size of the volume along its axes.
    volume_orientation : str, optional
        Three letters for its axes: lower case for where they start (``"psl"``, as BrainGlobe), or
        upper case for where they grow to. When not given, the orientation is found.
    metric : {"MI", "MSE", "CC", "AntsCC"}, optional
        What is compared in a 3D registration.
    output_dir : path-like, optional
        Where results go; beside the image when not given.
    stem : str, optional
        How the names of results start; the name of the image without suffix when not given.
    formats : str or iterable of str, optional
        What is written: ``"masks"``, ``"labels"`` and ``"csv"`` when not given; also ``"rois"``
        (ImageJ), ``"geojson"``, ``"ome"`` (OME-TIFF of labels and maps), ``"wfield"`` (wfield and
        locaNMF), ``"nwb"``, ``"preview"`` and ``"report"``.
    label_values : {"index", "ids"}, optional
        What the label image holds.
    split_hemispheres : bool, optional
        Whether left and right get masks of their own.
    pose_sigma_mm, pose_sigma_deg : float, optional
        How uncertain the pose is, as 1 sigma of its position within the image plane and of each
        of its angles, for `Result.confidence`; what the alignment says when neither is given.
    verbose : bool or "save"
        Show every intermediate result, or save its picture to ``<stem>_plots/``.
    window : AlignmentWindow, optional
        Where the pose is asked for; a window on the screen, if there is one, when not given.

    Examples
    --------
    >>> from brainreg3d import BrainReg3D
    >>> BrainReg3D("image.tif", image_dims_mm=(6.25, 4)).run()  # doctest: +SKIP
    """

    _DEFAULT_BRAIN_REGIONS: ClassVar[Sequence[str | int]] = (
        "MOp", "MOs", "SSp", "SSs", "PTLp", "VIS", "RSP", "ACA", "ORB", "OLF",
    )  # fmt: skip
    _DEFAULT_ATLAS: ClassVar[Any] = "allen_mouse_25um"
    _DEFAULT_IMG_DIMS_MM: ClassVar[Sequence[float] | None] = None
    _DEFAULT_BREGMA: ClassVar[str | None] = None
    _DEFAULT_FOCAL_POINT: ClassVar[Sequence[float] | None] = None
    _DEFAULT_CAM: ClassVar[Mapping[str, Any] | None] = None
    _DEFAULT_AUTO_CONTRAST: ClassVar[bool] = True

    TemplateSource: ClassVar[Any] = steps.TemplateSource
    RegionSelector: ClassVar[Any] = steps.RegionSelector
    RigidRegistrar: ClassVar[Any] = steps.RigidRegistrar
    VolumeWriter: ClassVar[Any] = steps.VolumeWriter
    ManualAligner: ClassVar[Any] = steps.ManualAligner
    Projector: ClassVar[Any] = steps.Projector
    DepthResolver: ClassVar[Any] = steps.DepthResolver
    PixelLabeller: ClassVar[Any] = steps.PixelLabeller
    MaskWriter: ClassVar[Any] = steps.MaskWriter

    image: Source | None = None
    image_dims_mm: Sequence[float] | None = None
    pixel_size_mm: Sequence[float] | None = attrs.field(default=None, kw_only=True)
    alignment: Any = attrs.field(default=None, kw_only=True)
    landmarks: Any = attrs.field(default=None, kw_only=True)
    start: Any = attrs.field(default=None, kw_only=True)
    anterior: str | None = attrs.field(default=None, kw_only=True)
    tilt: str | None = attrs.field(default=None, kw_only=True)
    atlas: Any = attrs.field(default=None, kw_only=True)
    template_source: Any = attrs.field(default=None, kw_only=True)
    brain_regions: Any = attrs.field(default=None, kw_only=True)
    overlap: str | None = attrs.field(default=None, kw_only=True)
    camera_distance_mm: float | NotGiven | None = attrs.field(default=NOT_GIVEN, kw_only=True)
    principal_point_px: Sequence[float] | None = attrs.field(default=None, kw_only=True)
    focal_point: Sequence[float] | None = attrs.field(default=None, kw_only=True)
    cam: Mapping[str, Any] | None = attrs.field(default=None, kw_only=True)
    bregma: str | None = attrs.field(default=None, kw_only=True)
    method: str = attrs.field(default="exact", kw_only=True)
    occluders: str | None = attrs.field(default=None, kw_only=True)
    label_depth_um: float | None = attrs.field(default=None, kw_only=True)
    along: str | None = attrs.field(default=None, kw_only=True)
    hemisphere: str | None = attrs.field(default=None, kw_only=True)
    window_mask: Source | None = attrs.field(default=None, kw_only=True)
    frame: int | None = attrs.field(default=None, kw_only=True)
    volume: Source | None = attrs.field(default=None, kw_only=True)
    volume_spacing_mm: Sequence[float] | None = attrs.field(default=None, kw_only=True)
    volume_orientation: str | None = attrs.field(default=None, kw_only=True)
    metric: str | None = attrs.field(default=None, kw_only=True)
    output_dir: str | Path | None = attrs.field(default=None, kw_only=True)
    stem: str | None = attrs.field(default=None, kw_only=True)
    formats: str | Iterable[str] | None = attrs.field(default=None, kw_only=True)
    label_values: str | None = attrs.field(default=None, kw_only=True)
    split_hemispheres: bool | None = attrs.field(default=None, kw_only=True)
    pose_sigma_mm: float | None = attrs.field(default=None, kw_only=True)
    pose_sigma_deg: float | None = attrs.field(default=None, kw_only=True)
    verbose: bool | str = attrs.field(default=False, kw_only=True)
    window: steps.AlignmentWindow | None = attrs.field(default=None, kw_only=True)

    result: Result | None = attrs.field(default=None, init=False)
    matched_image: Path | None = attrs.field(default=None, init=False)
    matched_frame: int | None = attrs.field(default=None, init=False)
    matched_view: ImageView | None = attrs.field(default=None, init=False)
    _runner: Runner = attrs.field(factory=Runner, init=False)
    _memory: ImageMemory = attrs.field(factory=ImageMemory, init=False)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = [name for name in vars(cls) if not name.startswith("__")]
        annotated = vars(cls).get("__annotations__", {})
        attrs.define(**_ATTRS_OPTIONS)(cls)
        for name in own:
            inherited = any(name in vars(base) for base in cls.__mro__[1:])
            if not inherited and name not in annotated:
                check_spelling(cls, name, _names_of(cls))

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(self, name):
            check_spelling(type(self), name, _names_of(type(self)))
        # A list is copied, so that it cannot change behind the user's back.
        object.__setattr__(self, name, region_names_of(value) if name == "brain_regions" else value)

    def plan(self, until: str | None = None) -> Plan:
        """Return the steps that `run` would take, checked.

        Parameters
        ----------
        until : str, optional
            The last slot to run.

        Returns
        -------
        Plan
            Prints itself.

        Raises
        ------
        PlanError
            If the steps do not fit together.
        """
        return self._plan(until)

    def run(self, until: str | None = None, *, redo: str | Iterable[str] = ()) -> Result:
        """Run the steps whose parameters or inputs have changed since the last run.

        Parameters
        ----------
        until : str, optional
            The last slot to run, such as ``"Projector"``; later results are None.
        redo : str or iterable of str
            Slots to run again though nothing has changed, such as ``"ManualAligner"``.

        Returns
        -------
        Result
            Also kept as `result`.

        Raises
        ------
        BrainReg3DError
            If an input cannot be used, no alignment can be had, or results cannot be written.
        """
        if self.image is None and self.volume is None:
            message = "There is nothing to do: give an image, a volume, or both."
            raise InputError(message)
        return self._run(until, slots_to_redo(redo))

    def align(self, path: str | Path) -> Result:
        """Place the image and save its alignment, and do nothing else.

        An alignment saved earlier is not used, as it is by `run`; give it as `start` to correct
        it. If the file exists and says something else, it is kept under another name.

        Parameters
        ----------
        path : path-like
            The alignment file to write.

        Returns
        -------
        Result
            With image, atlas and alignment.

        Raises
        ------
        BrainReg3DError
            If an input cannot be used, no alignment can be had, or the file cannot be written.
        """
        if self.image is None:
            message = "There is nothing to place: give an image."
            raise InputError(message)
        return self._run("ManualAligner", {"ManualAligner"}, Path(path))

    @classmethod
    def load(cls, path: str | Path, **changes: Any) -> Result:
        """Return the result of an earlier run from its files, to plot, to export or to go on with.

        Nothing that is stored is computed again: labels, masks and what is known of unseen regions
        come from the label image, without image and atlas. Sides, depths, maps of the surface,
        projections and the certainty of labels are computed when they are asked for, as the run
        did, and so is everything for an alignment file alone. Where a file was changed since, a
        warning names it, and pixels are labelled again. Nothing is written.

        Parameters
        ----------
        path : path-like
            A folder with one run, its ``<stem>_run.json``, ``<stem>_alignment.json`` or any other
            file of that stem; or an alignment file alone.
        **changes
            Arguments of `BrainReg3D` to be used instead of those of the run: `image` and `frame`,
            where the image has been moved away or was an array; `atlas` or `template_source`;
            `brain_regions`, `overlap`, `method`, `occluders`, `label_depth_um`, `along`,
            `hemisphere`, `window_mask`, `image_dims_mm`, `pixel_size_mm`, `camera_distance_mm`,
            `principal_point_px` and `focal_point`, by which pixels are labelled again where they
            differ from those of the run; `bregma`, `pose_sigma_mm` and `pose_sigma_deg`.

        Returns
        -------
        Result
            Its ``image`` is None where the image is not to be found.

        Raises
        ------
        MissingFileError
            If there is no such run, or several; or if something is needed that is not there.
        InputError
            If a file is damaged.
        PlanError
            If an argument is not one of the above.

        Examples
        --------
        >>> BrainReg3D.load("results/").mask("VISp")  # doctest: +SKIP
        """
        slots = {slot: getattr(cls, slot) for slot in SLOTS}
        names = [name for name in vars(BrainReg3D) if name.startswith("_DEFAULT")]
        defaults = {name: getattr(cls, name) for name in names}
        return load_stored(
            path, slots, {**defaults, "brain_regions": cls._DEFAULT_BRAIN_REGIONS}, changes
        )

    def match_to(
        self,
        path: str | Path,
        frame: int | None = None,
        alignment: str | Path | None = None,
    ) -> BrainReg3D:
        """Show an earlier session's image in the window, to place the new one at the same spot.

        If that image has an alignment, it is shown in its place, and the new one starts there.

        Parameters
        ----------
        path : path-like
            The earlier image.
        frame : int, optional
            Which frame of a stack.
        alignment : path-like, optional
            Its alignment file; ``<stem>_alignment.json`` beside it when not given.

        Returns
        -------
        BrainReg3D
            Itself, so that ``reg.match_to(path).run()`` works.

        Raises
        ------
        ImageError
            If it cannot be read.
        AlignmentError
            If its alignment cannot be used.
        """
        earlier = load_image(path, frame)
        self.matched_view = view_of_earlier(earlier, None if alignment is None else Path(alignment))
        self.matched_image, self.matched_frame = earlier.path, frame
        return self

    def load_atlas(self) -> Atlas:
        """Return the atlas of the next run, without needing an image.

        Returns
        -------
        Atlas
            With annotation and structure tree.
        """
        atlas: Atlas = dict(self._steps())["TemplateSource"].compute()
        return atlas

    @property
    def mask_path(self) -> Path:
        """Where the masks go, whether they are there yet or not."""
        if self.image is None:
            message = "There are no masks to write without an image."
            raise InputError(message)
        masks = target(self.plan(), self._memory.load(self.image, self.frame), "masks")
        if masks is None:
            message = "Masks go nowhere: give output_dir for an image that is an array."
            raise OutputError(message)
        return masks

    @property
    def region_names(self) -> tuple[str | int, ...]:
        """The regions of the next run, as they were asked for."""
        names = self._DEFAULT_BRAIN_REGIONS if self.brain_regions is None else self.brain_regions
        return region_names_of(names) or ()

    def _plan(self, until: str | None, also: Collection[str] = ()) -> Plan:
        missing = [name for name in ("image", "volume") if getattr(self, name) is None]
        return make_plan(self._steps(), missing, until, also)

    def _run(
        self, until: str | None, again: Collection[str], alignment_file: Path | None = None
    ) -> Result:
        state = self._inputs()
        # An alignment file names the atlas, though not every aligner looks at it.
        plan = self._plan(until, () if alignment_file is None else ("atlas",))
        read = self._files_read(plan)
        plan = settle(plan, state, read)
        if alignment_file is not None:
            check_alignment_file(alignment_file, read)
        earlier = self._runner.result("ManualAligner")
        plan = with_pose_source(plan, state.image, earlier, afresh="ManualAligner" in again)
        mask = self.window_mask if isinstance(self.window_mask, str | Path) else None
        execution = Execution(
            self._runner,
            plan,
            redo=again,
            method=self.method,
            verbose=self.verbose,
            auto_contrast=self._DEFAULT_AUTO_CONTRAST,
            window_mask=mask,
            alignment_file=alignment_file,
            pose_sigma=given_sigma(self.pose_sigma_mm, self.pose_sigma_deg),
        )
        self.result = execution.run(state)
        return self.result

    def _steps(self) -> list[tuple[str, Step]]:
        slots = {slot: getattr(self, slot) for slot in SLOTS}
        names = ("template_source", *PARAMETERS_OF_OPTION)
        return steps_of_run(slots, self.method, {name: getattr(self, name) for name in names})

    def _inputs(self) -> State:
        refuse_both(image_dims_mm=self.image_dims_mm, pixel_size_mm=self.pixel_size_mm)
        image = None if self.image is None else self._memory.load(self.image, self.frame)
        return load_inputs(
            image,
            self.volume,
            self.volume_spacing_mm,
            self.volume_orientation,
            self.window_mask,
            self.region_names,
            explicit_pixel_size(image, self.pixel_size_mm, self.image_dims_mm),
        )

    def _files_read(self, plan: Plan) -> list[Path]:
        """Return the files that must not be overwritten."""
        sources = (self.image, self.window_mask, self.volume, self.matched_image)
        parameters = (value for e in plan.running for value in e.step.parameters().values())
        files = [Path(source) for source in sources if isinstance(source, str | Path)]
        return files + [value for value in parameters if isinstance(value, Path)]

    def __repr__(self) -> str:
        fields = [field for field in attrs.fields(type(self)) if field.init]
        given = ((f.name, getattr(self, f.name)) for f in fields if f.name != "image")
        changed = {f.name: f.default for f in fields}
        shown = [repr(self.image) if isinstance(self.image, str | Path) else _summary(self.image)]
        shown += [f"{k}={_summary(v)}" for k, v in given if v is not changed[k]]
        return f"{type(self).__name__}({', '.join(shown)})"


def _names_of(cls: type) -> list[str]:
    """Return what may be set on a `BrainReg3D`: arguments, slots and defaults."""
    fields = [field.name for field in fields_of(cls) if not field.name.startswith("_")]
    defaults = [name for name in vars(BrainReg3D) if name.startswith("_DEFAULT")]
    return [*fields, *SLOTS, *defaults]


def _summary(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} array of {value.shape}>"
    return repr(value)
