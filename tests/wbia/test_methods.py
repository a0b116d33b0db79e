"""The methods that WBIA's users call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.wbia.asking import SMALL, Work

from resight.errors import SettingsError
from resight.types import Box
from resight.wbia.config import read_knobs
from resight.wbia.evaluating import recognised
from resight.wbia.models import method_of


def pixels_of(photo: Any) -> Any:
    return cv2.cvtColor(cv2.imread(str(photo.path)), cv2.COLOR_BGR2RGB)


def test_features_are_dictionaries_of_arrays(ibs: Any, config: Path) -> None:
    for found in (
        ibs.lightglue_compute_features([1, 2], config_path=str(config)),
        ibs.lightglue_features([1, 2], config_path=str(config)),
    ):
        assert [sorted(each) for each in found] == [
            ["descriptors", "image_size", "keypoint_scores", "keypoints"]
        ] * 2


def test_features_without_the_table_leave_it_alone(ibs: Any, config: Path, work: Work) -> None:
    config.write_text(json.dumps({**SMALL, "max_num_keypoints": 77}))
    rows = ibs.depc_annot["LightGlueFeatures"].number_of_rows
    ibs.lightglue_features([1], config_path=str(config), use_depc=False)
    assert work.described == 1
    assert ibs.depc_annot["LightGlueFeatures"].number_of_rows == rows
    ibs.lightglue_features([1], config_path=str(config), use_depc=False)  # from memory
    assert work.described == 1


def test_rows_of_features_can_be_made_by_hand(ibs: Any) -> None:
    from resight.wbia.configs import LightGlueFeatureConfig

    ours = LightGlueFeatureConfig(**SMALL)
    (row,) = ibs.lightglue_features_depc([1], ours)
    (stored,) = ibs.depc_annot.get("LightGlueFeatures", [1], "keypoints", SMALL)
    assert np.array_equal(row[0], stored)


def test_features_are_those_that_resight_has_elsewhere(
    ibs: Any, photos: list[Any], config: Path
) -> None:
    # WBIA's chips have 700 pixels at most and are reduced without a filter.
    method = method_of(read_knobs(str(config), {}))
    chip = method.chip(pixels_of(photos[0]), Box(*photos[0].box))
    (expected,) = method.extractor.extract([chip])
    (found,) = ibs.lightglue_compute_features([1], config_path=str(config))
    assert np.array_equal(found["keypoints"], expected.keypoints)
    assert np.array_equal(found["descriptors"], expected.descriptors)


def test_a_large_image_size_shows_more_of_the_photo(ibs: Any) -> None:
    from resight.wbia.describing import cut_chips

    knobs = read_knobs(None, {"image_size": 1024})
    (chip,) = cut_chips(ibs, [1], method_of(knobs))
    assert chip is not None
    assert max(chip.size) == 1024


def test_a_turned_box_is_set_upright(spare: Any, config: Path) -> None:
    upright = spare.lightglue_match_scores(5, [6], config_path=str(config))[0]
    spare.set_annot_thetas([6], [np.pi])
    turned = spare.lightglue_match_scores(5, [6], config_path=str(config))[0]
    assert turned < upright / 2


def test_scores_are_those_of_resights_own_matcher(
    ibs: Any, photos: list[Any], config: Path
) -> None:
    method = method_of(read_knobs(str(config), {}))
    chips = [method.chip(pixels_of(each), Box(*each.box)) for each in photos]
    features = method.extractor.extract(chips)
    matches = method.matcher.match(features[0], features[1:])
    expected = [float(each.scores.sum()) for each in matches]
    found = ibs.lightglue_match_scores(1, list(range(2, 9)), config_path=str(config))
    assert found == pytest.approx(expected, rel=0.05)  # layers in bfloat16, other batches
    assert np.argsort(found).tolist() == np.argsort(expected).tolist()


def test_evaluation_is_leave_one_out(ibs: Any, config: Path) -> None:
    aids = ibs.get_valid_aids()
    scores = [
        ibs.lightglue_match_scores(aid, [o for o in aids if o != aid], config_path=str(config))
        for aid in aids
    ]
    expected = recognised(ibs.get_annot_nids(aids), scores, (1,))[1]
    assert ibs.lightglue_evaluate(aids, config_path=str(config)) == expected == 1.0


def test_a_named_file_must_be_right(ibs: Any, config: Path) -> None:
    config.write_text('{"image_size": "512"}')
    with pytest.raises(SettingsError, match=r"config\.json: image_size must be a whole number"):
        ibs.lightglue_match_scores(1, [2], config_path=str(config))
