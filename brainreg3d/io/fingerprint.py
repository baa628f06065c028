"""Fingerprints: whether parameters and inputs are still the same."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from brainreg3d.io.hashing import sha256_of_array, sha256_of_file


def fingerprint(value: Any) -> str:
    """Return a text that is equal for equal values, within one process.

    Files count by their content, arrays by their values, attrs objects by the fields that take
    part in comparison; anything unknown counts by identity.

    Parameters
    ----------
    value : object
        Parameters, inputs, or containers of them.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(repr(_describe(value)).encode()).hexdigest()


def _describe(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | enum.Enum):
        return type(value).__name__, value
    if isinstance(value, Path):
        return "path", sha256_of_file(value) if value.is_file() else str(value)
    if isinstance(value, np.ndarray):
        return "array", sha256_of_array(value)
    if isinstance(value, np.generic):
        return type(value).__name__, value.item()
    if isinstance(value, Mapping):
        return "mapping", sorted((repr(_describe(k)), _describe(v)) for k, v in value.items())
    if isinstance(value, list | tuple):
        return type(value).__name__, [_describe(item) for item in value]
    if isinstance(value, set | frozenset):
        return "set", sorted(repr(_describe(item)) for item in value)
    return _describe_object(value)


def _describe_object(value: Any) -> Any:
    kind = f"{type(value).__module__}.{type(value).__qualname__}@{id(type(value))}"
    content = getattr(value, "sha256", None)
    if isinstance(content, str):
        return kind, content, getattr(value, "spacing_mm", None), getattr(value, "frame", None)
    if attrs.has(type(value)) and "__eq__" in vars(type(value)):
        fields = [field.name for field in attrs.fields(type(value)) if field.eq]
        return kind, [(name, _describe(getattr(value, name))) for name in fields]
    return kind, id(value)
