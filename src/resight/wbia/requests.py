"""The pipeline ``LightGlue`` as WBIA asks for it: pairs in, its result objects and pictures out."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any, Optional

import cv2
import numpy as np
import utool as ut
from numpy.typing import NDArray
from wbia import dtool

from resight.errors import SettingsError
from resight.types import Matches
from resight.wbia.config import Knobs
from resight.wbia.configs import LightGlueConfig, LightGlueScreenConfig
from resight.wbia.describing import cut_chips
from resight.wbia.matching import Compared, Pair, best_of, nothing_in_common
from resight.wbia.models import method_of
from resight.wbia.pictures import draw_pair, side_by_side
from resight.wbia.results import annot_match
from resight.wbia.tables import PAIRS_TABLE, SCREEN_TABLE, features_of, given_values, pair_rows

logger = logging.getLogger("wbia.resight")

FILL = 128  # grey level of a photo that cannot be read


class LightGlueRequest(dtool.base.VsOneSimilarityRequest):
    """Some queries against some annotations; ``execute`` gives an ``AnnotMatch`` for each query."""

    _tablename = PAIRS_TABLE
    _symmetric = True

    @property
    def knobs(self) -> Knobs:
        """What is in force."""
        knobs: Knobs = self.config.knobs
        return knobs

    def execute(
        self,
        parent_rowids: Optional[Sequence[Pair]] = None,
        use_cache: Optional[bool] = None,
        postprocess: bool = True,
        qaids: Optional[Collection[int]] = None,
    ) -> list[Any]:
        """Results in the order of the request's queries; of ``qaids`` only, if they are given.

        Pairs are read from WBIA's table where they are there and ``use_cache`` allows it.
        Without ``postprocess``, a ``Compared`` for each pair.
        """
        if use_cache is None:
            use_cache = not ut.get_argflag("--nocache")
        pairs = self.parent_rowids if parent_rowids is None else parent_rowids
        if qaids is not None:
            pairs = [pair for pair in pairs if pair[0] in qaids]
        compared = self.compare(pairs, recompute=not use_cache)
        if not postprocess:
            return compared
        asked = self.qaids if parent_rowids is None else [query for query, _ in pairs]
        of: dict[int, list[tuple[int, Compared]]] = {
            int(query): [] for query in asked if qaids is None or query in qaids
        }
        for (query, other), each in zip(pairs, compared, strict=True):
            of[int(query)].append((int(other), each))
        return [
            annot_match(self.ibs, query, [aid for aid, _ in found], [each for _, each in found])
            for query, found in of.items()
        ]

    def compare(self, pairs: Sequence[Pair], *, recompute: bool = False) -> list[Compared]:
        """Each pair compared; one that cannot be scores 0, and that is logged.

        With ``screened_to``, pairs whose first look is not among so many best of their query
        score 0 too.
        """
        limit = self.knobs.screened_to
        full = self._screened(pairs, limit, recompute) if limit else pairs
        rows = self._rows(PAIRS_TABLE, LightGlueConfig, full, recompute)
        found = dict(zip(full, rows, strict=True))
        warn_of([pair for pair, each in found.items() if each is None], "score 0")
        return [found.get(pair) or nothing_in_common() for pair in pairs]

    def _screened(self, pairs: Sequence[Pair], limit: int, recompute: bool) -> list[Pair]:
        if method_of(self.knobs).screen is None:
            raise SettingsError(
                f"screened_to: matcher {self.knobs.matcher} has no first look; set it to 0"
            )
        looks = self._rows(SCREEN_TABLE, LightGlueScreenConfig, pairs, recompute)
        return best_of(pairs, [0.0 if look is None else look.score for look in looks], limit)

    def _rows(
        self, table: str, config: Any, pairs: Sequence[Pair], recompute: bool
    ) -> list[Optional[Compared]]:
        return pair_rows(
            self.depc[table],
            pairs,
            config(**given_values(self.knobs)),
            symmetric=self.knobs.symmetric,
            recompute=recompute,
        )

    def get_fmatch_overlayed_chip(
        self, aid_list: Any, overlay: bool = True, config: Any = None
    ) -> Any:
        """The chip(s) that were compared, (h, w, 3) uint8 BGR as WBIA has it."""
        del overlay, config
        single = not ut.isiterable(aid_list)
        aids = [aid_list] if single else list(aid_list)
        chips = cut_chips(self.ibs, aids, method_of(self.knobs))
        pixels = [_blank(self.knobs) if chip is None else _bgr(chip.pixels) for chip in chips]
        return pixels[0] if single else pixels

    def render_single_result(self, cm: Any, aid: int, **kwargs: Any) -> NDArray[np.uint8]:
        """The query and one annotation with their matches, (h, w, 3) uint8 BGR.

        Of WBIA's ``kwargs``: ``show_lines`` and ``draw_fmatch`` (lines), ``heatmask`` (what was
        matched shines) and ``vert`` (one above the other). The matches are those of this
        request's configuration, whatever ``cm`` was read from.
        """
        aids = [int(cm.qaid), int(aid)]
        chips = list(cut_chips(self.ibs, aids, method_of(self.knobs)))
        described = features_of(self.ibs, aids, self.knobs)
        if chips[0] is None or chips[1] is None or described[0] is None or described[1] is None:
            return side_by_side(*self.get_fmatch_overlayed_chip(aids), vertical=False)[0]
        (compared,) = self._rows(PAIRS_TABLE, LightGlueConfig, [(aids[0], aids[1])], False)
        compared = compared or nothing_in_common()
        picture = draw_pair(
            (chips[0], chips[1]),
            (described[0], described[1]),
            Matches(compared.fm, compared.fs),
            lines=bool(kwargs.get("draw_fmatch", True) and kwargs.get("show_lines", True)),
            heat=bool(kwargs.get("heatmask", False)),
            vertical=bool(kwargs.get("vert", False)),
        )
        return _bgr(picture)


def warn_of(failed: Sequence[Pair], what: str) -> None:
    """Log that these pairs could not be compared."""
    if failed:
        logger.warning(
            "%d pairs could not be compared and %s, the first is of annotations %d and %d: "
            "see above why they could not be described",
            len(failed),
            what,
            *failed[0],
        )


def _bgr(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)


def _blank(knobs: Knobs) -> NDArray[np.uint8]:
    """Stands for a photo that cannot be read."""
    return np.full((knobs.image_size, knobs.image_size, 3), FILL, np.uint8)
