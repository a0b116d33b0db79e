"""The pipeline ``Hybrid``: a shortlist by a global embedding, matches of that, both in one score.

The formula is the one that wbia-plugin-miew-id gives for its own re-ranking
(https://github.com/WildMeOrg/wbia-plugin-miew-id). No public implementation of a pipeline of
this name was found, so the defaults of ``Fusion`` are ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from resight.errors import SettingsError
from resight.wbia.config import Fusion
from resight.wbia.configs import LightGlueConfig
from resight.wbia.fusion import fused, likeness
from resight.wbia.matching import Compared, Pair, best_of, nothing_in_common
from resight.wbia.requests import LightGlueRequest, warn_of
from resight.wbia.tables import HYBRID_TABLE, PAIRS_TABLE, TABLES


class HybridRequest(LightGlueRequest):
    """As ``LightGlueRequest``; matches are of the shortlist only, scores are ``fusion.fused``."""

    _tablename = HYBRID_TABLE

    @property
    def fusion(self) -> Fusion:
        """What is in force of it."""
        fusion: Fusion = self.config.fusion
        return fusion

    def compare(self, pairs: Sequence[Pair], *, recompute: bool = False) -> list[Compared]:
        """Each pair's fused score; those not on their query's shortlist have no matches."""
        alike = self._likenesses(pairs)
        shortlist = best_of(pairs, alike, self.fusion.shortlist)
        return list(self.fuse(pairs, shortlist=shortlist, alike=alike, recompute=recompute))

    def fuse(
        self,
        pairs: Sequence[Pair],
        *,
        shortlist: Sequence[Pair],
        alike: Optional[Sequence[float]] = None,
        recompute: bool = False,
    ) -> Iterator[Compared]:
        """The fused score and the matches of each pair, given which are on the shortlist."""
        if alike is None:
            alike = self._likenesses(pairs)
        rows = self._rows(PAIRS_TABLE, LightGlueConfig, shortlist, recompute)
        found = dict(zip(shortlist, rows, strict=True))
        warn_of([pair for pair, each in found.items() if each is None], "have no matches")
        a, k, x0 = self.fusion.a, self.fusion.k, self.fusion.x0
        for pair, g in zip(pairs, alike, strict=True):
            matched = found.get(pair)
            score = fused(g, None if matched is None else matched.score, a=a, k=k, x0=x0)
            yield (matched or nothing_in_common())._replace(score=score)

    def _likenesses(self, pairs: Sequence[Pair]) -> list[float]:
        """Of the embeddings of each pair; 0 where one is not to be had."""
        aids = list(dict.fromkeys(aid for pair in pairs for aid in pair))
        embedding = dict(zip(aids, self._embeddings(aids), strict=True))
        alike = []
        for query, other in pairs:
            first, second = embedding[query], embedding[other]
            alike.append(0.0 if first is None or second is None else likeness(first, second))
        return alike

    def _embeddings(self, aids: Sequence[int]) -> list[Optional[NDArray[np.float64]]]:
        table, column = self.fusion.embedding_table, self.fusion.embedding_column
        known = self.depc.cachetable_dict
        if table not in known:
            there = ", ".join(sorted(known))
            raise SettingsError(f"embedding_table: there is no {table!r} here; there are {there}")
        if column not in known[table].data_colnames:
            raise SettingsError(
                f"embedding_column: the table {table} has no column {column!r}; "
                f"there are {', '.join(known[table].data_colnames)}"
            )
        config = json.loads(self.fusion.embedding_config)
        with TABLES:
            rows = self.depc.get(table, aids, column, config)
        return [None if row is None else np.asarray(row, np.float64).ravel() for row in rows]
