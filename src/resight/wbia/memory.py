"""A bounded memory of the values used last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Optional, TypeVar

_Value = TypeVar("_Value")


class Memory(Generic[_Value]):
    """Keeps the ``size`` values used last; safe to use from several threads.

    >>> memory = Memory()
    >>> for word in ("a", "b"):
    ...     memory.put(word, word.upper(), size=2)
    >>> memory.get("a")
    'A'
    >>> memory.put("c", "C", size=2)
    >>> memory.get("b") is None
    True
    """

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> Optional[_Value]:
        """The value, which is now the one used last; ``None`` where there is none."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: Hashable, value: _Value, *, size: int) -> None:
        """Keep a value; those used longest ago are dropped until no more than ``size`` are left."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > max(size, 0):
                self._values.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
