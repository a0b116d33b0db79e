"""The networks of a configuration: loaded when first needed, once, and shared by all threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace

from resight.method import Method
from resight.registry import build_method
from resight.wbia.config import Knobs

#: Configurations whose networks stay loaded; the one used longest ago goes first.
_KEPT = 2

_loaded: OrderedDict[Knobs, Method] = OrderedDict()
_lock = threading.Lock()


def method_of(knobs: Knobs) -> Method:
    """What describes and compares photos as ``knobs`` say.

    Raises ``WeightsMissing``, ``UnknownMethod`` and what else ``build_method`` raises.
    """
    key = replace(knobs, feature_cache_max_size=0, score="sum", screened_to=0)
    with _lock:
        if key not in _loaded:
            _loaded[key] = build_method(key.method_name, key.settings())
            while len(_loaded) > _KEPT:
                _loaded.popitem(last=False)
        _loaded.move_to_end(key)
        return _loaded[key]
