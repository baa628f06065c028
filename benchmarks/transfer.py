"""How well a new image of an animal is found on an old one, and images of others refused.

``python benchmarks/transfer.py --sample IMAGE.tif --pixel-size-mm SIZE -n 100`` prints the tables
of docs/benchmarks.md. Without ``--sample`` only the synthetic images are looked at.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from transfer_cases import Pair, phantom, phantom_pair, phantom_view, sample_pair

from brainreg3d.io.images import load_image
from brainreg3d.matching import match_images

CLOSE_PX = 2.0
OTHER_ANIMAL = 5000


def unrelated(
    number: int, sample: Callable[[int], Pair] | None
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield pairs of images that do not show the same brain."""
    rng = np.random.default_rng([3, number])
    here = phantom_pair(number)
    yield "another phantom, moved", phantom_pair(number + OTHER_ANIMAL).new, here.old
    # The worst there is: window, midline sinus and light in one place, only the vessels are others.
    straight = phantom(phantom_view(here.old.shape), number + OTHER_ANIMAL)
    yield "another phantom, same pose and window", straight, here.old
    yield "noise", rng.normal(1000, 100, here.old.shape), here.old
    rows, cols = np.indices(here.old.shape)
    yield "a smooth slope", 1000 + rows * rng.uniform(0, 5) + cols * rng.uniform(0, 5), here.old
    yield "flat", np.full(here.old.shape, 7), here.old
    if sample is not None:
        real = sample(number)
        yield "phantom on the real image", here.new, real.old
        yield "real image on a phantom", real.new, here.old


def timed(new: np.ndarray, old: np.ndarray) -> tuple[object, float]:
    start = time.process_time()
    match = match_images(new, old)
    return match, time.process_time() - start


def report(name: str, rows: list[tuple[float, ...]]) -> None:
    errors, qualities, trusted, seconds = (np.array(column) for column in zip(*rows, strict=True))
    good = (errors < CLOSE_PX) & trusted.astype(bool)
    print(
        f"| {name} | {int(good.sum())}/{len(rows)} | {np.median(errors):.2f} | {errors.max():.2f} "
        f"| {qualities.min():.2f} to {qualities.max():.2f} | {np.median(seconds):.2f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=100, help="draws of each kind")
    parser.add_argument("--unrelated", type=int, default=None, help="draws; as many when not given")
    parser.add_argument("--sample", type=Path, help="a real image")
    parser.add_argument("--pixel-size-mm", type=float, default=0.0157)
    options = parser.parse_args()
    kinds = {"phantom, 512 x 512": phantom_pair}
    sample = None
    if options.sample is not None:
        pixels = load_image(options.sample).pixels

        def sample(number: int) -> Pair:
            return sample_pair(number, pixels, options.pixel_size_mm)

        kinds["real image, 251 x 400"] = sample
    if not options.n:
        kinds = {}
    print("| same animal | trusted and within 2 px | median px | worst px | quality | CPU s |")
    for name, make in kinds.items():
        rows = []
        for number in range(options.n):
            pair = make(number)
            match, seconds = timed(pair.new, pair.old)
            rows.append((pair.error_px(match.matrix), match.quality, match.trusted, seconds))
        report(name, rows)
    refused: dict[str, list[tuple[float, bool, float]]] = {}
    for number in range(options.n if options.unrelated is None else options.unrelated):
        for name, new, old in unrelated(number, sample):
            match, seconds = timed(new, old)
            refused.setdefault(name, []).append((match.quality, match.trusted, seconds))
    print("| another animal, or none | refused | highest quality | CPU s |")
    for name, rows in refused.items():
        qualities, trusted, seconds = (np.array(column) for column in zip(*rows, strict=True))
        print(
            f"| {name} | {int((~trusted).sum())}/{len(rows)} | {qualities.max():.2f} "
            f"| {np.median(seconds):.2f} |"
        )


if __name__ == "__main__":
    main()
