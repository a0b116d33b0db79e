"""What WBIA loads: importing this adds the tables and methods of the pipeline ``LightGlue``.

WBIA's own way: decorators put them on its lists when the module is imported, and it reads the
lists when it opens a database. So import this before ``wbia.opendb``, or use
``resight.wbia.loading``. Names, signatures and defaults are those of wbia-plugin-lightglue.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Optional

import numpy as np
from wbia.constants import ANNOTATION_TABLE
from wbia.control import controller_inject

from resight.errors import SettingsError
from resight.types import Features
from resight.wbia.config import Knobs, read_knobs
from resight.wbia.configs import (
    HybridConfig,
    LightGlueConfig,
    LightGlueFeatureConfig,
    LightGlueScreenConfig,
)
from resight.wbia.describing import COLUMNS, describe, to_row
from resight.wbia.evaluating import recognised
from resight.wbia.hybrid import HybridRequest
from resight.wbia.matching import Compared, compare_pairs
from resight.wbia.models import method_of
from resight.wbia.requests import LightGlueRequest
from resight.wbia.tables import (
    FEATURES_TABLE,
    FILE,
    HYBRID_TABLE,
    PAIRS_TABLE,
    SCREEN_TABLE,
    features_of,
)

logger = logging.getLogger("wbia.resight")

#: WBIA's ``load_plugin_module`` reads this name.
CLASS_INJECT_KEY, register_ibs_method = controller_inject.make_ibs_register_decorator(__name__)
register_preproc_annot = controller_inject.register_preprocs["annot"]

#: Rows computed between two commits, which a crash cannot undo.
_FEATURES_AT_ONCE, _PAIRS_AT_ONCE = 64, 512


@register_ibs_method
def lightglue_compute_features(
    ibs: Any, aid_list: Sequence[int], config_path: Optional[str] = None
) -> list[Optional[dict[str, Any]]]:
    """Features of annotations, extracted now; ``None`` for one that cannot be described.

    Each is a dictionary: ``keypoints`` (N, 2) float32 xy in pixels of the chip, ``descriptors``
    (N, D), ``keypoint_scores`` (N,), ``image_size`` (2,) float32 (w, h) of the chip.
    """
    method = method_of(_read(config_path))
    return [_as_dictionary(each) for each in describe(ibs, list(aid_list), method)]


@register_ibs_method
def lightglue_features(
    ibs: Any, aid_list: Sequence[int], config_path: Optional[str] = None, use_depc: bool = True
) -> list[Optional[dict[str, Any]]]:
    """As ``lightglue_compute_features``, from memory or, if ``use_depc``, WBIA's table."""
    found = features_of(ibs, list(aid_list), _read(config_path), table=use_depc)
    return [_as_dictionary(each) for each in found]


@register_preproc_annot(
    tablename=FEATURES_TABLE,
    parents=[ANNOTATION_TABLE],
    colnames=list(COLUMNS),
    coltypes=[np.ndarray, np.ndarray, np.ndarray, np.ndarray, str],
    configclass=LightGlueFeatureConfig,
    fname=FILE,
    chunksize=_FEATURES_AT_ONCE,
)
@register_ibs_method
def lightglue_features_depc(
    depc: Any, aid_list: Sequence[int], config: Optional[LightGlueFeatureConfig] = None
) -> Iterator[Optional[tuple[Any, ...]]]:
    """Rows of the table ``LightGlueFeatures``; ``depc`` is WBIA's cache, or its controller."""
    ibs = getattr(depc, "controller", depc)
    knobs = (LightGlueFeatureConfig() if config is None else config).knobs
    for each in describe(ibs, list(aid_list), method_of(knobs)):
        yield None if each is None else to_row(each)


def _pairs_table(name: str, configclass: type, requestclass: Optional[type] = None) -> Any:
    """Declares a table of pairs (score, matched keypoints, how sure each match is)."""
    return register_preproc_annot(
        tablename=name,
        parents=[ANNOTATION_TABLE, ANNOTATION_TABLE],
        colnames=["score", "fm", "fs"],
        coltypes=[float, np.ndarray, np.ndarray],
        configclass=configclass,
        requestclass=requestclass,
        fname=FILE,
        chunksize=_PAIRS_AT_ONCE,
    )


@_pairs_table(PAIRS_TABLE, LightGlueConfig, LightGlueRequest)
def wbia_plugin_lightglue(
    depc: Any, qaid_list: Sequence[int], daid_list: Sequence[int], config: LightGlueConfig
) -> list[Optional[Compared]]:
    """Rows of the table ``LightGlue``."""
    knobs = config.knobs
    return compare_pairs(
        list(zip(qaid_list, daid_list, strict=True)),
        lambda aids: features_of(depc.controller, aids, knobs),
        method_of(knobs).matcher,
        score=knobs.score,
        symmetric=knobs.symmetric,
    )


@_pairs_table(SCREEN_TABLE, LightGlueScreenConfig)
def lightglue_screen(
    depc: Any, qaid_list: Sequence[int], daid_list: Sequence[int], config: LightGlueScreenConfig
) -> list[Optional[Compared]]:
    """Rows of the table ``LightGlueScreen``: the matcher's first layers on the best keypoints."""
    knobs = config.knobs
    screen = method_of(knobs).screen
    if screen is None:
        raise SettingsError(f"screened_to: matcher {knobs.matcher} has no first look")
    return compare_pairs(
        list(zip(qaid_list, daid_list, strict=True)),
        lambda aids: features_of(depc.controller, aids, knobs),
        screen,
        score="sum",
        symmetric=knobs.symmetric,
    )


@_pairs_table(HYBRID_TABLE, HybridConfig, HybridRequest)
def wbia_plugin_hybrid(
    depc: Any, qaid_list: Sequence[int], daid_list: Sequence[int], config: HybridConfig
) -> list[Compared]:
    """Rows of the table ``Hybrid``, as if each pair were on its query's shortlist.

    WBIA wants a table of that name for the pipeline; the pipeline itself does not read it, since
    a shortlist depends on what else is asked.
    """
    pairs = list(zip(qaid_list, daid_list, strict=True))
    request = depc.new_request(HYBRID_TABLE, [], [], dict(config))  # for its configuration
    return list(request.fuse(pairs, shortlist=pairs))


@register_ibs_method
def lightglue_match_scores(
    ibs: Any, qaid: int, daid_list: Sequence[int], config_path: Optional[str] = None
) -> list[float]:
    """The score of the query with each annotation, in order: 0 for one that cannot be described."""
    pairs = [(qaid, daid) for daid in daid_list]
    request = ibs.depc_annot.new_request(
        PAIRS_TABLE, [qaid], list(daid_list), {"config_path": config_path}
    )
    return [each.score for each in request.compare(pairs)]


@register_ibs_method
def lightglue_evaluate(
    ibs: Any,
    aid_list: Sequence[int],
    config_path: Optional[str] = None,
    ranks: Sequence[int] = (1, 5, 10, 20),
) -> float:
    """The share of annotations whose animal comes first (``ranks[0]``-th or better) of all others.

    Each annotation is asked of all the others; one of an animal without a name, or without
    another annotation, is not counted. The shares at all ``ranks`` are logged.
    """
    aids = list(aid_list)
    scores = [
        lightglue_match_scores(ibs, aid, [other for other in aids if other != aid], config_path)
        for aid in aids
    ]
    shares = recognised(ibs.get_annot_nids(aids), scores, ranks)
    for rank, share in shares.items():
        logger.info("LightGlue: right animal among the first %d for %.1f %%", rank, 100 * share)
    return shares[ranks[0]]


def _read(config_path: Optional[str]) -> Knobs:
    return read_knobs(config_path, {})


def _as_dictionary(features: Optional[Features]) -> Optional[dict[str, Any]]:
    return None if features is None else dict(zip(COLUMNS[:4], to_row(features), strict=False))
