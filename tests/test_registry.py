"""Names of methods: which there are, what they build, and other packages' own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resight.errors import EngineError, IncompatibleFeatures, UnknownMethod, WeightsMissing
from resight.models import table
from resight.registry import build_method, registered
from resight.settings import Settings

PLUG_IN = '''
class Echo:
    """An extractor; keeps what it was built with."""

    family = "echo"
    fingerprint = "echo.v1"

    def __init__(self, *, max_keypoints=1, volume=3, method_of_theirs=None):
        self.max_keypoints = max_keypoints
        self.volume = volume

class Choosy:
    accepts = frozenset({"whale"})
    fingerprint = "choosy.v1"

class Networked:
    """Asks for an engine."""

    accepts = frozenset({"echo"})
    fingerprint = "networked.v1"

    def __init__(self, *, engine, threads=0):
        self.engine = engine

class NetworkedEcho(Echo):
    def __init__(self, *, engine, max_keypoints=1):
        self.engine = engine
'''
ENTRY_POINTS = """
[resight.extractors]
echo = echo_plugin:Echo
net-echo = echo_plugin:NetworkedEcho
broken = echo_plugin:Missing
gone = no_such_module:Anything
sift = echo_plugin:Echo

[resight.matchers]
choosy = echo_plugin:Choosy
networked = echo_plugin:Networked
"""


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real installed package that registers parts by entry points."""
    (tmp_path / "echo_plugin.py").write_text(PLUG_IN, encoding="utf-8")
    info = tmp_path / "echo_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: echo-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "echo_plugin", raising=False)


def test_the_registered_names() -> None:
    assert registered("extractor") == (
        "aliked-n16",
        "aliked-n16rot",
        "aliked-n32",
        "aliked-t16",
        "dedode",
        "disk",
        "efficientnet-lite0",
        "fast_brief",
        "harris_sift",
        "orb",
        "shi_tomasi_sift",
        "sift",
        "superpoint",
        "surf",
        "thumbnail",
        "xfeat",
    )
    assert registered("matcher") == (
        "cosine",
        "lighterglue",
        "lightglue",
        "metric",
        "nearest",
        "ssim",
    )


def test_classes_get_the_settings_that_they_name() -> None:
    settings = Settings(
        max_keypoints=77,
        ratio=0.5,
        contrast_threshold=0.02,
        long_edge=300,
        margin=0.1,
        score="top_10",
        segment="none",
        contrast="none",
    )
    method = build_method("sift+nearest", settings)
    assert method.name == "sift+nearest"
    assert method.extractor.max_keypoints == 77
    assert getattr(method.extractor, "contrast_threshold") == 0.02  # noqa: B009
    assert getattr(method.matcher, "ratio") == 0.5  # noqa: B009
    assert (method.long_edge, method.margin, method.score) == (300, 0.1, "top_10")


def test_extractors_see_the_animal_alone_and_its_contrast_evened_out() -> None:
    extractor: Any = build_method("sift+nearest", Settings()).extractor
    assert type(extractor).__name__ == "Foreground"
    assert type(extractor.extractor).__name__ == "Equalised"
    assert type(extractor.extractor.extractor).__name__ == "Sift"
    whole = build_method("thumbnail+ssim", Settings()).extractor
    assert type(whole).__name__ == "Thumbnail"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shift+nearest", "there is no extractor 'shift'; did you mean sift?"),
        ("sift+lightglu", "there is no matcher 'lightglu'; did you mean lightglue?"),
        ("zzz+nearest", "there are aliked-n16, aliked-n16rot, aliked-n32, aliked-t16, dedode, d"),
        ("sift", "'sift' does not name a method; a method is an extractor and a matcher"),
        ("", "'' does not name a method"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UnknownMethod) as error:
        build_method(name, Settings())
    assert message in str(error.value)


@pytest.mark.usefixtures("plug_in")
def test_other_packages_add_names() -> None:
    assert "echo" in registered("extractor")
    method = build_method(
        "echo+nearest", Settings(max_keypoints=9, segment="none", contrast="none")
    )
    assert method.extractor.fingerprint == "echo.v1"
    assert method.extractor.max_keypoints == 9
    assert getattr(method.extractor, "volume") == 3  # noqa: B009


@pytest.mark.usefixtures("plug_in")
def test_other_packages_cannot_take_a_name_of_ours() -> None:
    plain = Settings(segment="none", contrast="none")
    assert type(build_method("sift+nearest", plain).extractor).__name__ == "Sift"


@pytest.mark.usefixtures("plug_in")
def test_a_matcher_made_for_other_features_is_refused() -> None:
    with pytest.raises(
        IncompatibleFeatures, match="choosy matches features of whale, not the echo"
    ):
        build_method("echo+choosy", Settings())


@pytest.mark.parametrize(
    ("name", "model", "confidences"),
    [
        ("aliked-n16+lightglue", "aliked-lightglue", (0.7, 0.99)),
        ("disk+lightglue", "disk-lightglue", (0.7, 0.99)),
        ("xfeat+lighterglue", "xfeat-lighterglue", (-1, 0.95)),
    ],
)
def test_lightglue_has_the_model_for_the_extractor(
    name: str, model: str, confidences: tuple[float, float]
) -> None:
    method = build_method(name, Settings(precision="f32", depth_confidence=0.7))
    matcher: Any = method.matcher
    assert matcher.model == model
    assert (matcher.depth_confidence, matcher.width_confidence) == confidences
    assert method.screen is not None
    assert getattr(method.screen.matcher, "layers") == 3  # noqa: B009


def test_lightglue_refuses_features_it_has_no_model_for() -> None:
    with pytest.raises(
        IncompatibleFeatures, match="of aliked, disk, sift, superpoint, not the orb"
    ):
        build_method("orb+lightglue", Settings())


def test_lightglue_for_sift_needs_weights_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESIGHT_MODELS", str(tmp_path))
    with pytest.raises(WeightsMissing, match="models fetch sift-lightglue"):
        build_method("sift+lightglue", Settings())


def test_lightglue_for_superpoint_needs_weights_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where SuperPoint's own are there."""
    content = b"not read before the other file is missed"
    row = replace(
        table.weights("superpoint"),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    (tmp_path / row.file).write_bytes(content)
    monkeypatch.setattr(table, "WEIGHTS", {**table.WEIGHTS, row.name: row})
    monkeypatch.setenv("RESIGHT_MODELS", str(tmp_path))
    with pytest.raises(WeightsMissing, match="models fetch superpoint-lightglue"):
        build_method("superpoint+lightglue", Settings())


@pytest.mark.usefixtures("plug_in")
@pytest.mark.parametrize("name", ["broken", "gone"])
def test_a_package_that_cannot_be_imported_is_named(name: str) -> None:
    with pytest.raises(UnknownMethod, match=f"extractor '{name}' of echo-plugin"):
        build_method(f"{name}+nearest", Settings())


@pytest.mark.usefixtures("plug_in")
def test_extractor_and_matcher_share_the_engine_that_the_settings_ask_for() -> None:
    settings = Settings(
        engine="onnxruntime", precision="f32", threads=1, segment="none", contrast="none"
    )
    method = build_method("net-echo+networked", settings)
    engine = getattr(method.matcher, "engine")  # noqa: B009
    assert (engine.name, engine.precision, engine.threads) == ("onnxruntime", "f32", 1)
    assert getattr(method.extractor, "engine") is engine  # noqa: B009


@pytest.mark.usefixtures("plug_in")
def test_the_engine_is_opened_on_the_device_that_the_settings_ask_for() -> None:
    with pytest.raises(EngineError, match="openvino does not run on device cuda"):
        build_method("net-echo+networked", Settings(engine="openvino", device="cuda"))


def test_listing_names_imports_nothing_heavy() -> None:
    program = (
        "import sys; from resight.registry import registered; registered('extractor');"
        "print({'cv2', 'openvino', 'onnxruntime', 'pydantic'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
