"""The parts of the WBIA plugin that need no WBIA; tests/wbia has the rest."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest

import resight
from resight.errors import SettingsError
from resight.matchers.nearest import NearestNeighbour
from resight.testing.conformance import random_features
from resight.types import Features, Matches
from resight.wbia import config as wbia_config
from resight.wbia.config import DEFAULTS, Fusion, Knobs, read_knobs
from resight.wbia.evaluating import recognised
from resight.wbia.fusion import fused, likeness
from resight.wbia.matching import best_of, compare_pairs
from resight.wbia.memory import Memory
from resight.wbia.pictures import side_by_side


def written(folder: Path, **values: Any) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(values))
    return str(path)


def test_defaults_are_those_of_the_plugin_that_this_one_replaces() -> None:
    theirs = {
        "model_name": "aliked-n16",
        "max_num_keypoints": 2048,
        "detection_threshold": 0.0,
        "depth_confidence": 0.95,
        "width_confidence": 0.99,
        "filter_threshold": 0.1,
        "image_size": 512,
        "feature_cache_max_size": 10000,
    }
    assert theirs.items() <= DEFAULTS.items()


def test_a_file_gives_some_values_and_defaults_the_rest(tmp_path: Path) -> None:
    found = read_knobs(written(tmp_path, image_size=1024, depth_confidence=-1), {})
    assert found == Knobs(image_size=1024, depth_confidence=-1.0)


def test_a_query_goes_before_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, image_size=1024, score="matches")
    assert read_knobs(path, {"image_size": 640, "score": None}).image_size == 640


def test_the_default_file_is_read_where_no_other_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wbia_config, "DEFAULT_PATH", tmp_path / "config.json")
    assert read_knobs(None, {}) == Knobs()
    written(tmp_path, max_num_keypoints=7)
    assert read_knobs(None, {}).max_num_keypoints == 7


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image_sise": 512}, "no key 'image_sise'; did you mean image_size"),
        ({"image_size": "512"}, "image_size must be a whole number, got '512'"),
        ({"image_size": True}, "image_size must be a whole number, got True"),
        ({"image_size": 512.0}, r"image_size must be a whole number, got 512\.0"),
        ({"image_size": 8}, "image_size must be from 32 to 8192, got 8"),
        ({"filter_threshold": float("nan")}, "filter_threshold must be from 0 to"),
        ({"depth_confidence": -0.5}, r"depth_confidence must be above 0 .* got -0\.5"),
        ({"model_name": None}, "model_name must be a text, got None"),
        ({"score": "wasserstein_h0"}, "score: there is no 'wasserstein_h0'"),
    ],
)
def test_a_wrong_value_in_the_file_names_file_and_key(
    tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=rf"config\.json: .*{message}"):
        read_knobs(written(tmp_path, **values), {})


@pytest.mark.parametrize(
    ("content", "message"), [("[1]", "no JSON object|not a JSON object"), ("{", "is not JSON")]
)
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=message):
        read_knobs(str(path), {})


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read the configuration"):
        read_knobs(str(tmp_path / "nope.json"), {})


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_the_embeddings_configuration_is_a_json_object(text: str) -> None:
    with pytest.raises(SettingsError, match="embedding_config"):
        Fusion(embedding_config=text)


def test_memory_drops_what_was_used_longest_ago() -> None:
    memory: Memory[int] = Memory()
    for i in range(3):
        memory.put(i, i, size=3)
    assert memory.get(0) == 0
    memory.put(3, 3, size=3)
    assert [memory.get(i) for i in range(4)] == [0, None, 2, 3]


class Counting(NearestNeighbour):
    """Remembers how many it was given at a time."""

    def __init__(self) -> None:
        super().__init__(ratio=1.0)
        self.calls: list[int] = []

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        self.calls.append(len(gallery))
        return super().match(query, gallery)


FEATURES = {aid: random_features(aid, 40) for aid in range(1, 8)}


def describe(aids: Sequence[int]) -> list[Optional[Features]]:
    return [FEATURES.get(aid) for aid in aids]


def test_one_query_is_matched_with_many_at_once() -> None:
    matcher = Counting()
    pairs = [(1, other) for other in range(2, 8)]
    compare_pairs(pairs, describe, matcher, score="sum", symmetric=False)
    assert matcher.calls == [6]


def test_pairs_in_either_order_are_one_query_if_symmetric() -> None:
    matcher = Counting()
    pairs = [(1, 4), (2, 4), (3, 4), (4, 5), (4, 6)]
    turned = compare_pairs(pairs, describe, matcher, score="matches", symmetric=True)
    assert matcher.calls == [5]
    straight = compare_pairs(pairs, describe, Counting(), score="matches", symmetric=False)
    for a, b in zip(turned, straight, strict=True):
        assert a is not None
        assert b is not None
        assert {tuple(p) for p in a.fm.tolist()} == {tuple(p) for p in b.fm.tolist()}


def test_what_cannot_be_described_is_not_compared() -> None:
    found = compare_pairs(
        [(1, 99), (99, 2), (1, 2)], describe, Counting(), score="sum", symmetric=False
    )
    assert [each is None for each in found] == [True, True, False]


def test_the_best_of_each_query_pass() -> None:
    assert best_of([(1, 2), (1, 3), (4, 2)], [0.0, 0.5, 0.1], 1) == [(1, 3), (4, 2)]


def test_fusion_at_its_ends() -> None:
    assert fused(0.8, 1e9, a=0.25, k=1.0, x0=10.0) == pytest.approx(0.25 * 0.8 + 0.75)
    assert fused(0.8, -1e9, a=0.25, k=1.0, x0=10.0) == pytest.approx(0.2)
    assert fused(0.8, None, a=0.25, k=1.0, x0=10.0) == pytest.approx(0.2)


def test_fusion_is_the_logistic_function() -> None:
    expected = 0.3 * 0.6 + 0.7 / (1 + np.exp(-0.2 * (14.0 - 10.0)))
    assert fused(0.6, 14.0, a=0.3, k=0.2, x0=10.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("other", "expected"), [((3.0, 0.0), 1.0), ((-1.0, 0.0), 0.0), ((0.0, 0.0), 0.0)]
)
def test_likeness_of_embeddings(other: tuple[float, float], expected: float) -> None:
    assert likeness(np.array([2.0, 0.0]), np.array(other)) == expected


def test_an_animal_scores_as_its_best_annotation() -> None:
    names = [1, 1, 2, 2, -5]
    scores = [
        [0.5, 0.4, 0.1, 0.9],  # own animal .5, the nameless .9
        [0.5, 0.6, 0.1, 0.0],
        [0.1, 0.2, 0.3, 0.0],
        [0.1, 0.2, 0.3, 0.0],
        [1.0, 1.0, 1.0, 1.0],  # has no name: not counted
    ]
    assert recognised(names, scores, (1, 2)) == {1: 0.5, 2: 1.0}


def test_chips_of_different_sizes_stand_side_by_side_on_white() -> None:
    small, large = np.zeros((10, 20, 3), np.uint8), np.zeros((30, 40, 3), np.uint8)
    canvas, at = side_by_side(small, large, vertical=False)
    assert canvas.shape == (30, 60, 3)
    assert at == (20, 0)
    assert canvas[29, 0].tolist() == [255, 255, 255]
    canvas, at = side_by_side(small, large, vertical=True)
    assert canvas.shape == (40, 40, 3)
    assert at == (0, 10)


@pytest.mark.parametrize(
    "part",
    [
        "chips",
        "draw",
        "engine",
        "errors",
        "extractors",
        "files",
        "fingerprints",
        "lines",
        "matchers",
        "method",
        "models",
        "registry",
        "scoring",
        "shortlist",
        "types",
        "verify",
        "wbia",
    ],
)
def test_what_wbia_loads_is_python_3_10(part: str) -> None:
    place = Path(resight.__file__).parent / part
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    for file in files:
        tree = ast.parse(file.read_text(), feature_version=(3, 10))
        imported = {
            name.split(".")[0]
            for node in ast.walk(tree)
            for name in (
                [each.name for each in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not imported & {"tomllib", "pydantic", "sqlalchemy"}, file
