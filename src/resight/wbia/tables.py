"""Rows of WBIA's derived tables as values of ours, and the memory above them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any, Optional

from resight.method import Method
from resight.types import Features
from resight.wbia.config import DEFAULTS, Knobs, features_digest
from resight.wbia.describing import COLUMNS, describe, from_row
from resight.wbia.matching import Compared, Pair
from resight.wbia.memory import Memory
from resight.wbia.models import method_of

logger = logging.getLogger("wbia.resight")

FEATURES_TABLE, PAIRS_TABLE, SCREEN_TABLE = "LightGlueFeatures", "LightGlue", "LightGlueScreen"
HYBRID_TABLE = "Hybrid"
#: The file of these tables: another plugin's has other columns under the same names of tables.
FILE = "resight_lightglue"

#: WBIA's tables bear no two threads that add the same rows.
TABLES = threading.RLock()

_memory: Memory[Features] = Memory()


def given_values(knobs: Knobs) -> dict[str, Any]:
    """The values as a configuration that WBIA's tables take."""
    return {name: getattr(knobs, name) for name in DEFAULTS}


def features_of(
    ibs: Any, aids: Sequence[int], knobs: Knobs, *, table: bool = True
) -> list[Optional[Features]]:
    """Features of annotations: from memory, else from WBIA's table, else extracted now.

    ``None`` for those that cannot be described. Without ``table``, nothing is read from WBIA's
    table nor kept there.
    """
    method = method_of(knobs)
    keys = _keys(ibs, aids, knobs, method)
    found = {aid: _memory.get(key) for aid, key in keys.items()}
    missing = [aid for aid, features in found.items() if features is None]
    if missing:
        fresh = (_from_table if table else _fresh)(ibs, missing, knobs, method)
        for aid, features in zip(missing, fresh, strict=True):
            found[aid] = features
            if features is not None:
                _memory.put(keys[aid], features, size=knobs.feature_cache_max_size)
    return [found[aid] for aid in aids]


def forget() -> None:
    """Empty the memory; tables keep what they have."""
    _memory.clear()


def _keys(ibs: Any, aids: Sequence[int], knobs: Knobs, method: Method) -> dict[int, Any]:
    """What the features of each annotation depend on, and the database it is of.

    WBIA's visual uuid is of photo, box and angle, so that a changed box is another key.
    """
    unique = list(dict.fromkeys(aids))
    where, digest = ibs.get_dbdir(), features_digest(knobs, method)
    uuids = ibs.get_annot_visual_uuids(unique)
    return {aid: (where, digest, uuid) for aid, uuid in zip(unique, uuids, strict=True)}


def _from_table(
    ibs: Any, aids: Sequence[int], knobs: Knobs, method: Method
) -> list[Optional[Features]]:
    with TABLES:
        rows = ibs.depc_annot.get(FEATURES_TABLE, aids, COLUMNS, given_values(knobs))
    return [None if row is None else from_row(row, method.extractor) for row in rows]


def _fresh(ibs: Any, aids: Sequence[int], knobs: Knobs, method: Method) -> list[Optional[Features]]:
    del knobs  # the method has what it needs of them
    return list(describe(ibs, aids, method))


def pair_rows(
    table: Any, pairs: Sequence[Pair], config: Any, *, symmetric: bool, recompute: bool
) -> list[Optional[Compared]]:
    """What a table of pairs says of each (query, database annotation), computed if need be.

    ``None`` for pairs that could not be compared. Where ``symmetric``, a pair has one row
    whichever of both asks.
    """
    asked = [_filed(pair, symmetric) for pair in pairs]
    unique = list(dict.fromkeys(asked))
    with TABLES:
        rowids = table.get_rowid(unique, config=config, recompute=recompute)
        rows = table.get_row_data(rowids)
    of = {
        pair: None if rowid is None or row is None else Compared(*row)
        for pair, rowid, row in zip(unique, rowids, rows, strict=True)
    }
    return [
        found.turned if found is not None and filed != pair else found
        for pair, filed in zip(pairs, asked, strict=True)
        for found in [of[filed]]
    ]


def _filed(pair: Pair, symmetric: bool) -> Pair:
    query, other = int(pair[0]), int(pair[1])
    return (other, query) if symmetric and other < query else (query, other)
