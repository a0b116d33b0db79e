"""Tables, keys and reuse, in a real WBIA."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.wbia.asking import SMALL, Work, ask, request

FEATURES = ("keypoints", "descriptors", "keypoint_scores", "image_size")


def same_matches(first: Any, second: Any) -> bool:
    return all(
        np.array_equal(a, b)
        for name in ("fm_list", "fsv_list")
        for a, b in zip(getattr(first, name), getattr(second, name), strict=True)
    )


def test_the_right_animal_is_first_with_its_matches(ibs: Any) -> None:
    aids = ibs.get_valid_aids()
    for cm in ask(ibs, aids, aids):
        assert cm.get_top_nids(1)[0] == ibs.get_annot_nids([cm.qaid])[0]
        best = int(np.argmax(cm.annot_score_list))
        assert len(cm.fm_list[best]) > 20
        assert cm.fsv_list[best].shape == (len(cm.fm_list[best]), 1)


def test_rows_have_the_columns_of_wbia_plugin_lightglue(ibs: Any) -> None:
    (row,) = ibs.depc_annot.get("LightGlueFeatures", [1], FEATURES, SMALL)
    keypoints, descriptors, scores, size = row
    assert keypoints.shape == (256, 2)
    assert descriptors.shape == (256, 128)
    assert scores.shape == (256,)
    assert max(size) == 320
    assert (keypoints.max(0) < size).all()


def test_another_plugins_file_is_left_alone(ibs: Any) -> None:
    ask(ibs, [1], [2])
    names = {path.name for path in Path(ibs.get_cachedir()).glob("*lightglue*.sqlite*")}
    assert "resight_lightglue.sqlite" in names
    assert "lightglue.sqlite" not in names


def test_a_second_query_is_answered_from_the_tables(ibs: Any, work: Work) -> None:
    aids = ibs.get_valid_aids()
    (first,) = ask(ibs, aids[:1], aids, max_num_keypoints=200)
    assert work.described
    assert work.compared
    work.clear()
    (second,) = ask(ibs, aids[:1], aids, max_num_keypoints=200)
    assert (work.described, work.compared) == (0, 0)
    assert np.array_equal(first.annot_score_list, second.annot_score_list)
    assert same_matches(first, second)


def test_a_pair_asked_the_other_way_round_is_turned(ibs: Any, work: Work) -> None:
    (one,) = ask(ibs, [1], [2])
    work.clear()
    (other,) = ask(ibs, [2], [1])
    assert work.compared == 0
    assert other.annot_score_list == one.annot_score_list
    assert np.array_equal(other.fm_list[0], one.fm_list[0][:, ::-1])


def test_a_score_that_depends_on_who_asks_has_two_rows(ibs: Any, work: Work) -> None:
    ask(ibs, [3], [5], score="auc")
    work.clear()
    ask(ibs, [5], [3], score="auc")
    assert work.compared == 1


def test_editing_the_file_makes_new_features_and_pairs(ibs: Any, config: Path, work: Work) -> None:
    # The published plugin keys rows by the file's path and serves stale ones.
    ibs.lightglue_match_scores(1, [2], config_path=str(config))
    config.write_text(json.dumps({**SMALL, "max_num_keypoints": 100}))
    work.clear()
    ibs.lightglue_match_scores(1, [2], config_path=str(config))
    assert (work.described, work.compared) == (2, 1)  # query, then the others
    (features,) = ibs.lightglue_features([1], config_path=str(config))
    assert len(features["keypoints"]) == 100


def test_equal_files_share_rows(ibs: Any, config: Path, tmp_path: Path, work: Work) -> None:
    copy = Path(shutil.copy(config, tmp_path / "copy.json"))
    scores = ibs.lightglue_match_scores(1, [3], config_path=str(config))
    work.clear()
    assert ibs.lightglue_match_scores(1, [3], config_path=str(copy)) == scores
    assert work.compared == 0


def test_a_changed_box_is_described_anew(spare: Any, work: Work) -> None:
    before = ask(spare, [1], [2])[0].annot_score_list[0]
    x, y, w, h = spare.get_annot_bboxes([2])[0]
    spare.set_annot_bboxes([2], [(x, y, w // 2, h // 2)])
    work.clear()
    after = ask(spare, [1], [2])[0].annot_score_list[0]
    assert work.described
    assert after < before


def test_two_open_databases_do_not_mix(ibs: Any, spare: Any, config: Path, work: Work) -> None:
    # The published plugin's memory is keyed by annotation number alone.
    x, y, w, h = spare.get_annot_bboxes([4])[0]
    spare.set_annot_bboxes([4], [(x, y, w // 2, h // 2)])
    (first,), (second,) = (
        each.lightglue_features([4], config_path=str(config)) for each in (ibs, spare)
    )
    assert not np.array_equal(first["keypoints"], second["keypoints"])


def test_an_annotation_whose_photo_is_lost_scores_zero_until_it_is_back(
    spare: Any, work: Work
) -> None:
    path = Path(spare.get_image_paths([8])[0])
    content = path.read_bytes()
    path.unlink()
    (cm,) = ask(spare, [7], [3, 8])
    assert cm.annot_score_list.tolist()[1] == 0
    assert np.isfinite(cm.score_list).all()
    assert any("annotation 8" in each for each in work.warnings)
    assert any("could not be compared" in each for each in work.warnings)
    path.write_bytes(content)
    (cm,) = ask(spare, [7], [3, 8])
    assert cm.annot_score_list[1] > 20


def test_annotations_without_a_name_stand_for_themselves(spare: Any) -> None:
    spare.set_annot_name_rowids([3, 7], [spare.const.UNKNOWN_NAME_ROWID] * 2)
    (cm,) = ask(spare, [8], [3, 7])
    assert len(cm.unique_nids) == 2
    assert np.isfinite(cm.score_list).all()


def test_a_name_scores_as_its_best_annotation(ibs: Any) -> None:
    # The published plugin's tests still expect the sum.
    (cm,) = ask(ibs, [3], [1, 2, 4])
    for nid, score in zip(cm.unique_nids, cm.name_score_list, strict=True):
        assert score == max(cm.annot_score_list[cm.dnid_list == nid])


def test_a_query_that_meets_nobody_has_no_candidates(ibs: Any) -> None:
    (cm,) = ask(ibs, [1], [1])
    assert len(cm.daid_list) == 0


def test_results_follow_the_queries_and_can_be_limited_to_some(ibs: Any) -> None:
    found = request(ibs, [3, 1], [1, 2, 3])
    assert [cm.qaid for cm in found.execute()] == [3, 1]
    assert [cm.qaid for cm in found.execute(qaids=[1])] == [1]


def test_every_knob_is_part_of_the_key(ibs: Any) -> None:
    before = request(ibs, [1], [2]).get_cfgstr()
    changed = {
        "model_name": "sift",
        "matcher": "nearest",
        "max_num_keypoints": 255,
        "detection_threshold": 0.1,
        "depth_confidence": -1,
        "width_confidence": -1,
        "filter_threshold": 0.2,
        "image_size": 321,
        "score": "matches",
        "screened_to": 3,
        "segment": "u2netp",
        "contrast": "clahe",
        "margin": 0.1,
        "contrast_threshold": 0.1,
        "ratio": 0.7,
        "precision": "f32",
    }
    for name, value in changed.items():
        other = {"matcher": "nearest", name: value} if name == "model_name" else {name: value}
        if name == "matcher":
            other["model_name"] = "sift"
        assert request(ibs, [1], [2], **other).get_cfgstr() != before, name


def test_knobs_that_change_nothing_are_not(ibs: Any) -> None:
    plain = request(ibs, [1], [2]).get_cfgstr()
    assert request(ibs, [1], [2], feature_cache_max_size=3, threads=1).get_cfgstr() == plain


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_num_keypoint": 3}, "'max_num_keypoint'; did you mean max_num_keypoints"),
        ({"max_num_keypoints": "3"}, "max_num_keypoints must be a whole number"),
        ({"depth_confidence": 0}, "depth_confidence must be above 0"),
    ],
)
def test_a_query_with_a_wrong_key_is_refused(ibs: Any, given: Any, message: str) -> None:
    # WBIA itself drops keys that it does not know.
    with pytest.raises(Exception, match=message):
        request(ibs, [1], [2], **given)


def test_other_extractors_and_matchers_by_configuration(ibs: Any) -> None:
    for knobs in (
        {"model_name": "sift", "matcher": "nearest"},
        {"model_name": "thumbnail", "matcher": "ssim"},
    ):
        (cm,) = ask(ibs, [1], [2, 3], **knobs)
        assert cm.annot_score_list[0] > cm.annot_score_list[1]


def test_a_first_look_spares_most_pairs(ibs: Any, work: Work) -> None:
    (cm,) = ask(ibs, [1], list(range(1, 9)), screened_to=2, max_num_keypoints=150)
    assert np.count_nonzero(cm.annot_score_list) == 2
    assert cm.get_top_nids(1)[0] == ibs.get_annot_nids([1])[0]


def test_there_is_no_request_method_but_new_request(ibs: Any) -> None:
    # The published plugin's README calls one that WBIA does not have.
    assert not hasattr(ibs.depc_annot, "request")
    (cm,) = ibs.depc_annot.new_request("LightGlue", [1], [2], SMALL).execute()
    assert cm.qaid == 1
