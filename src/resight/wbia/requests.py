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

from resight.types import Matches
from resight.wbia.config import Knobs
from resight.wbia.describing import cut_chips
from resight.wbia.matching import Compared, Pair, nothing_in_common
from resight.wbia.models import method_of
from resight.wbia.pictures import draw_pair
from resight.wbia.results import annot_match
from resight.wbia.tables import PAIRS_TABLE, features_of, pair_rows

logger = logging.getLogger("wbia.resight")


class LightGlueRequest(dtool.base.VsOneSimilarityRequest):  # type: ignore[misc]
    """Some queries against some annotations; ``execute`` gives an ``AnnotMatch`` for each query."""

    _tablename = PAIRS_TABLE
    _symmetric = True

    @property
    def knobs(request) -> Knobs:
        """What is in force."""
        knobs: Knobs = request.config.knobs
        return knobs

    def execute(
        request,
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
        pairs = request.parent_rowids if parent_rowids is None else parent_rowids
        if qaids is not None:
            pairs = [pair for pair in pairs if pair[0] in qaids]
        compared = request.compare(pairs, recompute=not use_cache)
        if not postprocess:
            return compared
        queries = request.qaids if parent_rowids is None else [query for query, _ in pairs]
        return [
            annot_match(
                request.ibs,
                query,
                [other for (q, other) in pairs if q == query],
                [each for (q, _), each in zip(pairs, compared, strict=True) if q == query],
            )
            for query in dict.fromkeys(int(each) for each in queries)
            if qaids is None or query in qaids
        ]

    def compare(request, pairs: Sequence[Pair], *, recompute: bool = False) -> list[Compared]:
        """Each pair compared; one that cannot be scores 0, and that is logged."""
        found = request._rows(request._tablename, pairs, recompute)
        failed = [pair for pair, each in zip(pairs, found, strict=True) if each is None]
        if failed:
            logger.warning(
                "%d of %d pairs could not be compared and score 0, the first is of annotations "
                "%d and %d: see above why they could not be described",
                len(failed),
                len(pairs),
                *failed[0],
            )
        return [nothing_in_common() if each is None else each for each in found]

    def _rows(
        request, table: str, pairs: Sequence[Pair], recompute: bool
    ) -> list[Optional[Compared]]:
        return pair_rows(
            request.depc[table],
            pairs,
            request.config,
            symmetric=request.knobs.symmetric,
            recompute=recompute,
        )

    def get_fmatch_overlayed_chip(
        request, aid_list: Any, overlay: bool = True, config: Any = None
    ) -> Any:
        """The chip(s) that were compared, (h, w, 3) uint8 BGR as WBIA has it."""
        del overlay, config
        single = not ut.isiterable(aid_list)
        aids = [aid_list] if single else list(aid_list)
        chips = cut_chips(request.ibs, aids, method_of(request.knobs))
        pixels = [_blank() if chip is None else _bgr(chip.pixels) for chip in chips]
        return pixels[0] if single else pixels

    def render_single_result(request, cm: Any, aid: int, **kwargs: Any) -> NDArray[np.uint8]:
        """The query and one annotation with their matches, (h, w, 3) uint8 BGR.

        Of WBIA's ``kwargs``: ``show_lines`` and ``draw_fmatch`` (lines), ``heatmask`` (what was
        matched shines) and ``vert`` (one above the other). The matches are those of this
        request's configuration, whatever ``cm`` was read from.
        """
        aids = [int(cm.qaid), int(aid)]
        first, second = cut_chips(request.ibs, aids, method_of(request.knobs))
        described = features_of(request.ibs, aids, request.knobs)
        if first is None or second is None or described[0] is None or described[1] is None:
            return np.hstack(request.get_fmatch_overlayed_chip(aids)) if False else _blank()
        (compared,) = request.compare([(aids[0], aids[1])])
        picture = draw_pair(
            (first, second),
            (described[0], described[1]),
            Matches(compared.fm, compared.fs),
            lines=bool(kwargs.get("draw_fmatch", True) and kwargs.get("show_lines", True)),
            heat=bool(kwargs.get("heatmask", False)),
            vertical=bool(kwargs.get("vert", False)),
        )
        return _bgr(picture)


def _bgr(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)


def _blank() -> NDArray[np.uint8]:
    """Stands for a photo that cannot be read."""
    return np.full((128, 128, 3), 128, np.uint8)
