from functools import cache
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from resight.engine import Engine, open_engine
from resight.errors import IncompatibleFeatures, SettingsError, UnknownMethod
from resight.extractors.aliked import Aliked
from resight.extractors.disk import Disk
from resight.extractors.xfeat import XFeat
from resight.matchers.lightglue import LightGlue
from resight.models.graphs import compiled_folder
from resight.testing.conformance import MatcherCase, chip_of, drawn_chip, random_features
from resight.types import Features, Matches


@cache
def exact_engine() -> Engine:
    return open_engine("openvino", precision="f32", cache=compiled_folder())


_EXTRACTORS: dict[str, type[Aliked | Disk | XFeat]] = {
    "aliked": Aliked,
    "disk": Disk,
    "xfeat": XFeat,
}


@cache
def drawn_features(seed: int, n: int, family: str = "aliked") -> Features:
    """The first ``n`` keypoints of a drawing."""
    extractor = _EXTRACTORS[family](engine=exact_engine(), max_keypoints=max(n, 1))
    (features,) = extractor.extract([drawn_chip(seed)] if n else [chip_of(_one_pixel())])
    return features


def _one_pixel() -> Any:
    return np.zeros((1, 1, 3), np.uint8)


def confidences(matches: Matches) -> NDArray[np.float32]:
    assert matches.confidences is not None
    return matches.confidences


class TestLightGlue(MatcherCase):
    variants: ClassVar = {
        "model": "disk-lightglue",
        "depth_confidence": -1,
        "width_confidence": -1,
        "filter_threshold": 0.2,
        "layers": 3,
    }
    score_tolerance = 1e-3

    def make(self, **arguments: Any) -> LightGlue:
        return LightGlue(engine=exact_engine(), **arguments)

    def features(self, seed: int, n: int) -> Features:
        return drawn_features(seed, n)


class TestLightGlueForDisk(TestLightGlue):
    variants: ClassVar = {"layers": 3}

    def make(self, **arguments: Any) -> LightGlue:
        return LightGlue(engine=exact_engine(), model="disk-lightglue", **arguments)

    def features(self, seed: int, n: int) -> Features:
        return drawn_features(seed, n, "disk")


class TestLighterGlue(TestLightGlue):
    variants: ClassVar = {"layers": 3}

    def make(self, **arguments: Any) -> LightGlue:
        return LightGlue(engine=exact_engine(), model="xfeat-lighterglue", **arguments)

    def features(self, seed: int, n: int) -> Features:
        return drawn_features(seed, n, "xfeat")


@pytest.mark.parametrize(
    ("model", "family", "layers"),
    [("disk-lightglue", "disk", 9), ("xfeat-lighterglue", "xfeat", 6)],
)
def test_other_models_accept_their_own_features_only(
    engine: Engine, model: str, family: str, layers: int
) -> None:
    matcher = LightGlue(engine=engine, model=model, depth_confidence=-1)
    query, other = drawn_features(1, 40, family), drawn_features(1, 40)
    assert matcher.match(query, [query])[0].layers == layers
    with pytest.raises(IncompatibleFeatures, match=f"{model} was trained for features of {family}"):
        matcher.match(query, [other])


def test_an_unknown_model_is_named(engine: Engine) -> None:
    with pytest.raises(UnknownMethod, match="aliked-lighterglue"):
        LightGlue(engine=engine, model="aliked-lighterglue")


@pytest.mark.parametrize("adaptive", [True, False])
def test_a_pair_does_not_depend_on_its_batch_mates(engine: Engine, adaptive: bool) -> None:
    off: Any = {} if adaptive else {"depth_confidence": -1, "width_confidence": -1}
    matcher = LightGlue(engine=engine, **off)
    query = drawn_features(1, 150)
    gallery = [drawn_features(seed, n) for seed, n in ((1, 90), (2, 150), (3, 0), (4, 33), (1, 5))]
    for features, together in zip(gallery, matcher.match(query, gallery), strict=True):
        (alone,) = matcher.match(query, [features])
        assert together.layers == alone.layers
        np.testing.assert_array_equal(together.pairs, alone.pairs)
        np.testing.assert_allclose(confidences(together), confidences(alone), atol=1e-4)


def test_engines_agree() -> None:
    query, other = drawn_features(1, 150), drawn_features(2, 120)
    first, second = (
        LightGlue(engine=open_engine(name, precision="f32")).match(query, [other, query])
        for name in ("openvino", "onnxruntime")
    )
    for one, two in zip(first, second, strict=True):
        np.testing.assert_allclose(confidences(one), confidences(two), atol=1e-4)


def test_early_exit_stops_where_all_points_are_sure(engine: Engine) -> None:
    query = drawn_features(1, 150)
    (full,) = LightGlue(engine=engine, depth_confidence=-1).match(query, [query])
    (adaptive,) = LightGlue(engine=engine).match(query, [query])
    assert full.layers == 9
    assert adaptive.layers is not None
    assert adaptive.layers < 9
    assert len(adaptive) >= 0.95 * len(full)


def test_a_few_layers_stop_where_early_exit_would(engine: Engine) -> None:
    """Two ways to the same layer: told to run so many, or sure enough after them."""
    query = drawn_features(1, 150)
    (adaptive,) = LightGlue(engine=engine, width_confidence=-1).match(query, [query])
    assert adaptive.layers is not None
    (few,) = LightGlue(
        engine=engine, depth_confidence=-1, width_confidence=-1, layers=adaptive.layers
    ).match(query, [query])
    assert few.layers == adaptive.layers < 9
    np.testing.assert_array_equal(few.pairs, adaptive.pairs)
    np.testing.assert_array_equal(confidences(few), confidences(adaptive))


def test_confidences_cover_all_query_points_and_the_filter_does_not_touch_them(
    engine: Engine,
) -> None:
    query, other = drawn_features(1, 150), drawn_features(2, 120)
    (loose,) = LightGlue(engine=engine, filter_threshold=0.0).match(query, [other])
    (tight,) = LightGlue(engine=engine, filter_threshold=0.5).match(query, [other])
    assert confidences(loose).shape == (150,)
    np.testing.assert_array_equal(confidences(loose), confidences(tight))
    assert len(tight) == int((confidences(tight) > 0.5).sum()) < len(loose)


def test_photos_without_keypoints_give_no_nan(engine: Engine) -> None:
    nothing, query = drawn_features(1, 0), drawn_features(1, 40)
    assert len(nothing) == 0
    matcher = LightGlue(engine=engine)
    for matches in (*matcher.match(query, [nothing, query]), *matcher.match(nothing, [query])):
        assert np.isfinite(confidences(matches)).all()
    assert confidences(matcher.match(nothing, [query])[0]).shape == (0,)


def test_features_it_was_not_trained_for_are_refused(engine: Engine) -> None:
    ours, foreign = drawn_features(1, 40), random_features(1, 40, family="sift", dimensions=128)
    with pytest.raises(IncompatibleFeatures, match="sift"):
        LightGlue(engine=engine).match(ours, [foreign])


@pytest.mark.parametrize(
    "wrong",
    [
        {"depth_confidence": 0.0},
        {"width_confidence": 1.5},
        {"filter_threshold": 1.0},
        {"layers": -1},
        {"layers": 10},
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        LightGlue(engine=exact_engine(), **wrong)


def test_bfloat16_changes_the_fingerprint_and_little_else() -> None:
    engine = open_engine("openvino", precision="auto")
    if engine.precision == "f32":
        pytest.skip("this processor has no bfloat16")
    query, other = drawn_features(1, 150), drawn_features(1, 120)
    fast = LightGlue(engine=engine, depth_confidence=-1)
    exact = LightGlue(engine=exact_engine(), depth_confidence=-1)
    assert fast.fingerprint != exact.fingerprint
    assert "precision=bf16" in fast.fingerprint
    sums = [float(confidences(m.match(query, [other])[0]).sum()) for m in (fast, exact)]
    assert sums[0] == pytest.approx(sums[1], rel=0.04)
