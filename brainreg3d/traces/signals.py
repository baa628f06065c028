"""From a recording and a result to a table: frames × regions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from brainreg3d._logging import logger
from brainreg3d.errors import InputError, RecordingCutShort, RecordingError, did_you_mean
from brainreg3d.result import Result
from brainreg3d.steps.exporting import no_result
from brainreg3d.traces.baseline import parse_baseline
from brainreg3d.traces.blocks import cut, make_job
from brainreg3d.traces.files import TraceFiles, write_traces
from brainreg3d.traces.open import close_files, open_recording
from brainreg3d.traces.stream import Broken, stream, workers
from brainreg3d.traces.table import SignalTable
from brainreg3d.traces.weights import Weighting, make_weighting

if TYPE_CHECKING:
    import pandas as pd

STATISTICS = ("mean", "median", "dff")
_MOST_NAMES = 10  # in a warning


def region_traces(
    recording: Any,
    result: Result,
    *,
    statistic: str | Sequence[str] = "mean",
    baseline: str | slice = "mean",
    weights: str | ArrayLike | None = None,
    split_hemispheres: bool = False,
    binning: int = 1,
    crop_origin: Sequence[int] | None = None,
    whole_bins: bool = False,
    channel: int | None = None,
    missing_chunks: str = "error",
    scheduler: Any = None,
    output: str | Path | None = None,
) -> pd.DataFrame:
    """Average the pixels of each region in every frame of a recording.

    The recording is read once, block by block, however large it is. Whole numbers are summed
    exactly; the table is the same, bit for bit, with any number of threads or workers. Pixels that
    are no number (NaN) do not count.

    Parameters
    ----------
    recording : path-like or array_like
        (frames, rows, columns): a TIFF (BigTIFF, ImageJ and OME included), Zarr, HDF5, ``.npy`` or
        raw file, or an array of NumPy or dask. What is meant within a file follows two colons:
        ``"session.h5::acquisition/frames"``.
    result : Result
        Of the image on which the frames lie.
    statistic : {"mean", "median", "dff"} or sequence of these
        What is computed over the pixels of a region; ``"dff"`` is ΔF/F of the mean. Of several,
        all come from the same pass, and the table's columns have the statistic above the region.
    baseline : str or slice
        For ΔF/F: ``"mean"`` of all frames, ``"percentile:10"`` of them, or the mean of
        ``"frames:0:100"``, which are the first hundred.
    weights : {"confidence"} or array_like, shape (H, W), optional
        How much each pixel of the aligned image counts in means; ``Result.confidence`` by name.
    split_hemispheres : bool
        Whether each region has two columns, such as ``VISp_L`` and ``VISp_R``.
    binning : int
        Pixels of the aligned image along each side of a pixel of the recording. Each pixel of a
        region takes the value of the larger one that it lies in.
    crop_origin : sequence of int, optional
        (row, column) in the aligned image of the first pixel of a recording that shows a part.
    whole_bins : bool
        Whether only those pixels of a binned recording count that lie in one region entirely.
    channel : int, optional
        Which channel of (frames, channels, rows, columns), from 0.
    missing_chunks : {"error", "fill"}
        Whether chunks that a Zarr store or an HDF5 file lacks are lost, or full of its fill value.
    scheduler : str or distributed.Client, optional
        Address of a dask scheduler, whose workers read the file under the same path; threads of
        this process when not given.
    output : path-like, optional
        A ``.csv`` or ``.parquet`` file to write as well. If the recording breaks off, the frames
        before that are kept beside it as ``<stem>_partial``.

    Returns
    -------
    pandas.DataFrame
        One row for each frame, one column for each region, named by its acronym, in the order of
        ``result.regions``; NaN for regions without a pixel. ``attrs`` says how it was made, with
        the number of pixels of each column.

    Raises
    ------
    RecordingError
        If the recording cannot be read, or does not fit the image.
    RecordingCutShort
        If it ends before its last frame; its `traces` are those of the frames before.
    InputError
        If an argument cannot be used.
    NotComputed
        If the result has no labels, or no confidence.

    Examples
    --------
    >>> from brainreg3d import BrainReg3D, region_traces
    >>> result = BrainReg3D.load("mouse_alignment.json")  # doctest: +SKIP
    >>> region_traces("recording.tif", result)["VISp"].plot()  # doctest: +SKIP
    """
    if not isinstance(result, Result):
        raise no_result(result)
    chosen = _check_statistics(statistic, weights)
    level = parse_baseline(baseline)
    if "dff" not in chosen and level != parse_baseline("mean"):
        logger.warning("The baseline is that of ΔF/F, which is not asked for (statistic dff).")
    opened = open_recording(recording, channel=channel, missing_chunks=missing_chunks)
    if "dff" in chosen:
        level.check(opened.n_expected)
    weighting = make_weighting(
        result,
        opened.shape[1:],
        binning=binning,
        crop_origin=crop_origin,
        split_hemispheres=split_hemispheres,
        whole_bins=whole_bins,
        weights=weights,
    )
    files = None
    if output is not None:
        files = TraceFiles.named(output, chosen, opened.path, *result.files.values())
    said = {
        "weights": weights if weights is None or isinstance(weights, str) else "array",
        "binning": int(binning),
        "crop_origin": None if crop_origin is None else [int(n) for n in crop_origin],
        "whole_bins": bool(whole_bins),
        "channel": channel,
    }
    _warn_of_empty(weighting, opened.name)
    table = SignalTable(opened, weighting, chosen, level, said)
    _fill(table, scheduler, files)
    frames = table.frames()
    if files is not None:
        write_traces(files, frames, table.info())
    return _together(frames, is_one=isinstance(statistic, str))


def _check_statistics(given: Any, weights: Any) -> tuple[str, ...]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    chosen = tuple(given) if several else (given,)
    for name in chosen:
        if name not in STATISTICS:
            hint = did_you_mean(str(name), STATISTICS)
            message = f"statistic is among {', '.join(STATISTICS)}; got {name!r}.{hint}"
            raise InputError(message)
    if not chosen or len(set(chosen)) < len(chosen):
        message = f"statistic names each of {', '.join(STATISTICS)} at most once; got {given!r}."
        raise InputError(message)
    if weights is not None and "median" in chosen:
        message = "A median takes no weights; leave out weights, or ask for the mean."
        raise InputError(message)
    return chosen


def _warn_of_empty(weighting: Weighting, name: str) -> None:
    n_pixels = weighting.n_pixels
    if not n_pixels.any():
        message = (
            f"No pixel of any region lies on {name}; check the regions, the alignment, and where "
            f"the recording lies in the image (crop_origin, --crop-origin)."
        )
        raise InputError(message)
    empty = [c.name for c, n in zip(weighting.columns, n_pixels, strict=True) if not n]
    if empty:
        shown = ", ".join(empty[:_MOST_NAMES]) + (" ..." if len(empty) > _MOST_NAMES else "")
        logger.warning("Columns without a pixel hold NaN (%d): %s.", len(empty), shown)


def _fill(table: SignalTable, scheduler: Any, files: TraceFiles | None) -> None:
    """Read the recording into the table; what was read is kept when it breaks off."""
    from tqdm import tqdm

    recording = table.recording
    reason = None if recording.fault is None else recording.fault.reason
    if not recording.shape[0]:
        if reason is not None:
            raise _cut_short(table, reason, files)
        message = f"{recording.name} holds no frames."
        raise RecordingError(message)
    with_medians = "median" in table.statistics
    blocks = cut(recording, whole_frames=with_medians)
    job = make_job(table.weighting, blocks, with_medians=with_medians)
    try:
        with (
            workers(scheduler, blocks.n_threads) as crew,
            tqdm(
                total=recording.shape[0],
                desc=f"Reading {recording.name}",
                unit=" frames",
                leave=False,
                disable=None,
            ) as bar,
        ):
            for times, parts in stream(recording, blocks, job, crew):
                table.add(times, parts)
                bar.update(times.stop - times.start)
    except Broken as error:
        reason = str(error)
    except BaseException:  # an interrupt too must not lose what took hours
        kept = _keep(table, files, table.frames()) if table.n_done else None
        if kept is not None:
            logger.warning("Stopped after %d frames; they are kept in %s.", table.n_done, kept)
        raise
    finally:
        close_files()
    if reason is not None:
        raise _cut_short(table, reason, files)


def _keep(
    table: SignalTable, files: TraceFiles | None, frames: dict[str, pd.DataFrame]
) -> Path | None:
    if files is None:
        return None
    partial = files.partial()
    write_traces(partial, frames, table.info())
    return partial.output


def _cut_short(table: SignalTable, reason: str, files: TraceFiles | None) -> RecordingCutShort:
    recording = table.recording
    expected = recording.n_expected
    said = f"{expected} frames" if expected is not None else f"more than {table.n_done} frames"
    message = (
        f"{recording.name} is cut short or damaged: expected {said}, {table.n_done} could be read "
        f"({reason})."
    )
    if not table.n_done:
        return RecordingCutShort(message, None)
    frames = table.frames()
    kept = _keep(table, files, frames)
    where = f"kept in {kept}" if kept is not None else "in the attribute traces of this error"
    message += f" Their signals are {where}."
    return RecordingCutShort(message, _together(frames, is_one=len(table.statistics) == 1))


def _together(frames: dict[str, pd.DataFrame], *, is_one: bool) -> pd.DataFrame:
    import pandas as pd

    if is_one:
        (table,) = frames.values()
        return table
    joined = pd.concat(frames, axis=1, names=["statistic", "region"])
    joined.attrs = next(iter(frames.values())).attrs
    return joined
