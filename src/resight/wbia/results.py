"""WBIA's own result object, filled with what was compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import vtool as vt
from wbia import AnnotMatch

from resight.wbia.matching import Compared


def annot_match(ibs: Any, qaid: int, daids: Sequence[int], compared: Sequence[Compared]) -> Any:
    """An ``AnnotMatch`` of one query with the annotations ``daids`` (itself not among them).

    A name's score is that of its best annotation. Besides the scores it has ``fm_list`` (of each
    annotation (K, 2) int indices of matched keypoints) and ``fsv_list`` ((K, 1) float), which
    WBIA's review page and its JSON need. All scores are finite: ``score_list``, where WBIA puts
    minus infinity for all but the best annotation of a name, which is no JSON, has the lowest
    score there.
    """
    cm = AnnotMatch()
    cm.qaid = qaid
    cm.qnid = ibs.get_annot_nids([qaid])[0]
    cm.daid_list = np.array(daids, np.int64)
    cm.dnid_list = np.array(ibs.get_annot_nids(list(daids)), np.int64)
    cm._update_daid_index()
    cm._update_unique_nid_index()
    scores = np.array([each.score for each in compared], np.float64)
    groups = vt.apply_grouping(scores, cm.name_groupxs)
    cm.set_cannonical_name_score(scores, np.array([group.max() for group in groups]))
    lowest = min(0.0, scores.min(initial=0.0))
    cm.score_list = np.where(np.isfinite(cm.score_list), cm.score_list, lowest)
    cm.fm_list = [each.fm for each in compared]
    cm.fsv_list = [each.fs[:, None] for each in compared]
    return cm
