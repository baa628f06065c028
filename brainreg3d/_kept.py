"""What was worked out for an object and is needed again, kept as long as the object lives."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """A few values for each of some objects; the one not asked for the longest goes first.

    The lock is held for as long as it takes to look something up, never while a value is made, and
    a forked process gets one of its own: it would wait forever for one that another thread held.

    Parameters
    ----------
    most : int
        Values for each object.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: weakref.WeakKeyDictionary[object, OrderedDict[Hashable, Value]]
        self._values = weakref.WeakKeyDictionary()
        self._renew_lock()
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def get(self, owner: object, key: Hashable) -> Value | None:
        """Return what is kept.

        Parameters
        ----------
        owner : object
            What it was worked out for.
        key : hashable
            Which of its values.

        Returns
        -------
        object or None
            None if nothing is.
        """
        with self._lock:
            values = self._values.get(owner)
            if values is None or key not in values:
                return None
            values.move_to_end(key)
            return values[key]

    def put(self, owner: object, key: Hashable, value: Value) -> Value:
        """Keep a value in place of the one that was there.

        Parameters
        ----------
        owner : object
            What it was worked out for; a weak reference to it is held.
        key : hashable
            Which of its values.
        value : object
            What to keep; not the owner, nor anything that holds it.

        Returns
        -------
        object
            The same value.
        """
        with self._lock:
            values = self._values.setdefault(owner, OrderedDict())
            values[key] = value
            values.move_to_end(key)
            while len(values) > self._most:
                values.popitem(last=False)
        return value
