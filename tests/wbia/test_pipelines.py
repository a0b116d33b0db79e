"""The Hybrid pipeline, late loading, pictures and several threads, in a real WBIA."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.wbia.asking import SMALL, Work, ask, request

from resight.wbia.fusion import fused


def test_hybrid_fuses_likeness_and_matches_of_the_shortlist(ibs: Any) -> None:
    aids = ibs.get_valid_aids()
    plain = ask(ibs, [1], aids)[0]
    (cm,) = ask(ibs, [1], aids, pipeline_root="Hybrid", shortlist=3, a=0.4, k=0.1, x0=20)
    likeness = ask(ibs, [1], aids, pipeline_root="Hybrid", shortlist=3, a=1.0)[0]
    listed = np.argsort(-likeness.annot_score_list, kind="stable")[:3]
    for i, score in enumerate(cm.annot_score_list):
        raw = plain.annot_score_list[i] if i in listed else None
        g = likeness.annot_score_list[i]
        assert score == pytest.approx(fused(g, raw, a=0.4, k=0.1, x0=20))
        assert (len(cm.fm_list[i]) > 0) <= (i in listed)


def test_hybrid_takes_any_table_as_embedding(ibs: Any) -> None:
    (cm,) = ask(
        ibs,
        [1],
        [2, 3],
        pipeline_root="Hybrid",
        embedding_config='{"model_name": "thumbnail", "matcher": "ssim"}',
    )
    assert cm.annot_score_list[0] > cm.annot_score_list[1]


@pytest.mark.parametrize("wrong", [{"embedding_table": "nope"}, {"embedding_column": "nope"}])
def test_hybrid_names_what_is_not_there(ibs: Any, wrong: dict[str, str]) -> None:
    (key,) = wrong
    with pytest.raises(Exception, match=f"{key}: .*'nope'"):
        ask(ibs, [1], [2], pipeline_root="Hybrid", **wrong)


def test_a_row_of_hybrid_is_that_of_a_pair_on_the_shortlist(ibs: Any) -> None:
    (row,) = ibs.depc_annot.get("Hybrid", ([1], [2]), "score", config=SMALL)
    (cm,) = ask(ibs, [1], [2], pipeline_root="Hybrid")
    assert row == pytest.approx(cm.annot_score_list[0])


def test_the_picture_shows_the_matches(ibs: Any) -> None:
    # The published plugin puts two chips side by side and draws none.
    found = request(ibs, [1], [2])
    (cm,) = found.execute()
    plain = found.render_single_result(cm, 2, draw_fmatch=False, show_lines=False)
    lines = found.render_single_result(cm, 2)
    heat = found.render_single_result(cm, 2, draw_fmatch=False, heatmask=True)
    assert plain.dtype == np.uint8
    assert plain.shape == lines.shape == heat.shape
    changed = (plain != lines).any(axis=2)
    assert changed[:, : changed.shape[1] // 2].mean() > 0.01
    assert changed[:, changed.shape[1] // 2 :].mean() > 0.01
    assert heat.mean() < plain.mean()
    tall = found.render_single_result(cm, 2, vert=True)
    assert tall.shape[0] > plain.shape[0]


def test_a_lost_photo_is_grey_in_the_picture(spare: Any) -> None:
    found = request(spare, [7], [8], max_num_keypoints=60)
    path = Path(spare.get_image_paths([8])[0])
    away = path.rename(path.with_suffix(".away"))
    try:
        (cm,) = found.execute()
        assert (found.render_single_result(cm, 8)[:, -50:] == 128).mean() > 0.5
    finally:  # other tests look at this photo
        away.rename(path)


LATE = """
import sys
import wbia
from resight.wbia.loading import load_into
ibs = wbia.opendb(dbdir=sys.argv[1])
assert "LightGlue" not in ibs.depc_annot.cachetable_dict
load_into(ibs)
load_into(ibs)
config = {"pipeline_root": "LightGlue", "max_num_keypoints": 256, "image_size": 320}
(cm,) = ibs.new_query_request([1], [1, 2], cfgdict=config, verbose=False).execute()
sys.stderr.write(f"score {cm.annot_score_list[0]} {ibs.lightglue_evaluate.__name__}\\n")
"""


def test_the_plugin_can_be_loaded_into_an_open_database(ibs: Any) -> None:
    # The published plugin hides the name that WBIA's own loader reads.
    score = ask(ibs, [1], [2])[0].annot_score_list[0]
    done = subprocess.run(
        [sys.executable, "-c", LATE, ibs.get_dbdir()], capture_output=True, text=True, check=False
    )
    assert f"score {score} lightglue_evaluate" in done.stderr, done.stderr[-3000:]


def test_threads_share_one_model_and_agree(ibs: Any, work: Work) -> None:
    from resight.wbia.models import method_of

    found = request(ibs, [1], [2])
    aids = ibs.get_valid_aids()

    def asked(i: int) -> tuple[int, Any]:
        cm = ask(ibs, [aids[i % 4]], aids, max_num_keypoints=180)[0]
        return cm.qaid, tuple(cm.annot_score_list)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(asked, range(16)))
        methods = set(pool.map(lambda _: id(method_of(found.knobs)), range(8)))
    assert len(set(answers)) == 4
    assert len(methods) == 1
    assert not work.warnings
