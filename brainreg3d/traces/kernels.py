"""The compiled sums over runs of pixels.

A run is a stretch of one row of the recording that belongs to one column of the table:
(row, first pixel, pixel behind the last, column, place of its first weight). Whole numbers are
summed as whole numbers, so that their order cannot matter; real numbers are summed in the order of
the runs, which is always the same. What is no number (NaN) is left out: what is known is summed
beside it, since the rest of a subtraction of weights is hardly ever 0.

A run is looked at as an array of its own: its indices count from 0, so that the compiler need not
think of those that count from the end, and adds several pixels at a time.
"""

from __future__ import annotations

import numpy as np

from brainreg3d._compiled import njit


@njit()
def sum_integers(frames, runs, counts, sums):  # type: ignore[no-untyped-def]
    """Add up whole numbers of up to 32 bits; those of a run count `counts` times each."""
    for t in range(frames.shape[0]):
        for s in range(runs.shape[0]):
            pixels = frames[t, runs[s, 0], runs[s, 1] : runs[s, 2]]
            total = np.int64(0)
            for c in range(pixels.size):
                total += np.int64(pixels[c])
            sums[t, runs[s, 3]] += total * counts[s]


@njit()
def sum_floats(frames, runs, counts, sums, known):  # type: ignore[no-untyped-def]
    """Add up real numbers; those of a run count `counts` times each."""
    for t in range(frames.shape[0]):
        for s in range(runs.shape[0]):
            pixels = frames[t, runs[s, 0], runs[s, 1] : runs[s, 2]]
            total, n_known = 0.0, 0
            for c in range(pixels.size):
                value = np.float64(pixels[c])
                if value == value:  # NaN differs from itself
                    total += value
                    n_known += 1
            sums[t, runs[s, 3]] += total * counts[s]
            known[t, runs[s, 3]] += n_known * counts[s]


@njit()
def sum_weighted(frames, runs, weights, sums, known):  # type: ignore[no-untyped-def]
    """Add up numbers times a weight for each pixel."""
    for t in range(frames.shape[0]):
        for s in range(runs.shape[0]):
            pixels = frames[t, runs[s, 0], runs[s, 1] : runs[s, 2]]
            run_weights = weights[runs[s, 4] : runs[s, 4] + pixels.size]
            total, weighed = 0.0, 0.0
            for c in range(pixels.size):
                value, weight = np.float64(pixels[c]), run_weights[c]
                if value == value:
                    total += value * weight
                    weighed += weight
            sums[t, runs[s, 3]] += total
            known[t, runs[s, 3]] += weighed


@njit()
def find_medians(frames, runs, counts, first_runs, largest, medians):  # type: ignore[no-untyped-def]
    """Find the median of each column, whose runs lie together; NaN where it has no pixel."""
    values = np.empty(largest, np.float64)
    for t in range(frames.shape[0]):
        for column in range(first_runs.size - 1):
            n = 0
            for s in range(first_runs[column], first_runs[column + 1]):
                pixels = frames[t, runs[s, 0], runs[s, 1] : runs[s, 2]]
                for c in range(pixels.size):
                    value = np.float64(pixels[c])
                    if value == value:
                        for _ in range(counts[s]):
                            values[n] = value
                            n += 1
            medians[t, column] = np.median(values[:n]) if n > 0 else np.nan
