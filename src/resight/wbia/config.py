"""What the plugin can be told: JSON over defaults, every value checked.

The names of LightGlue's values, their defaults and the file's place are those of
wbia-plugin-lightglue (https://github.com/WildMeOrg/wbia-plugin-lightglue), so that its files
work here; the others are ours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Optional

from resight.chips import chip_fingerprint
from resight.errors import SettingsError
from resight.fingerprints import fingerprint
from resight.method import Method
from resight.scoring import DISTRIBUTION_SCORES, SCORE_NAMES
from resight.verify import GEOMETRY

#: Read where no other path is given; need not exist.
DEFAULT_PATH = Path("/v_config/lightglue/config.json")

#: Scores of a pair that need nothing but the pair.
PAIR_SCORES = tuple(name for name in SCORE_NAMES if name not in DISTRIBUTION_SCORES)
#: Those that are the same whichever photo is the query, with matchers for which that holds too.
_SYMMETRIC_SCORES = frozenset({"matches", "sum", "top_10", "top_25", "top_50"})
_SYMMETRIC_MATCHERS = frozenset({"lightglue", "lighterglue", "cosine", "ssim"})

_WORDS: Mapping[str, tuple[str, ...]] = {
    "contrast": ("none", "clahe"),
    "score": PAIR_SCORES,
    "segment": ("none", "u2netp"),
}

_FEATURES, _PAIRS, _NOTHING = "features", "pairs", "nothing"


def _knob(default: Any, changes: str, *, least: float = 0, most: float = 1e9) -> Any:
    """A field: what it ``changes`` of the results, and its range if it is a number."""
    return field(default=default, metadata={"changes": changes, "least": least, "most": most})


def _confidence(default: float) -> Any:
    return field(default=default, metadata={"changes": _PAIRS, "confidence": True})


@dataclass(frozen=True)
class Knobs:
    """Every value of a configuration; docs/wbia.md has a line for each.

    Numbers and words are as ``resight.settings`` has them, under the names on the right.
    """

    model_name: str = _knob("aliked-n16", _FEATURES)  # extractor
    max_num_keypoints: int = _knob(2048, _FEATURES, least=1, most=65536)  # max_keypoints
    detection_threshold: float = _knob(0.0, _FEATURES, most=0.999999)
    depth_confidence: float = _confidence(0.95)
    width_confidence: float = _confidence(0.99)
    filter_threshold: float = _knob(0.1, _PAIRS, most=0.999999)
    image_size: int = _knob(512, _FEATURES, least=32, most=8192)  # long_edge
    feature_cache_max_size: int = _knob(10000, _NOTHING)  # annotations in memory
    matcher: str = _knob("lightglue", _PAIRS)
    score: str = _knob("sum", _PAIRS)
    screened_to: int = _knob(0, _PAIRS)  # annotations matched in full; 0: all
    segment: str = _knob("none", _FEATURES)
    contrast: str = _knob("none", _FEATURES)
    margin: float = _knob(0.0, _FEATURES, most=1)
    contrast_threshold: float = _knob(0.04, _FEATURES, most=0.999999)
    ratio: float = _knob(0.85, _PAIRS, least=1e-6, most=1)
    engine: str = _knob("openvino", _FEATURES)
    precision: str = _knob("auto", _FEATURES)
    threads: int = _knob(0, _NOTHING, most=1024)

    def __post_init__(self) -> None:
        _check(self)
        for name, words in _WORDS.items():
            value = getattr(self, name)
            if value not in words:
                raise SettingsError(f"{name}: there is no {value!r}; use {', '.join(words)}")

    @property
    def method_name(self) -> str:
        """As ``build_method`` takes it."""
        return f"{self.model_name}+{self.matcher}"

    @property
    def symmetric(self) -> bool:
        """Whether query and gallery photo can change places."""
        return self.score in _SYMMETRIC_SCORES and self.matcher in _SYMMETRIC_MATCHERS

    def settings(self) -> MethodValues:
        """These values under the names that ``build_method`` reads."""
        return MethodValues(
            long_edge=self.image_size,
            max_keypoints=self.max_num_keypoints,
            **{
                name: getattr(self, name)
                for name in (
                    "contrast",
                    "contrast_threshold",
                    "depth_confidence",
                    "detection_threshold",
                    "engine",
                    "filter_threshold",
                    "margin",
                    "precision",
                    "ratio",
                    "score",
                    "segment",
                    "threads",
                    "width_confidence",
                )
            },
        )


@dataclass(frozen=True)
class MethodValues:
    """What ``build_method`` reads; ``resight.settings.Settings`` has it too, but needs pydantic."""

    long_edge: int
    max_keypoints: int
    contrast: str
    contrast_threshold: float
    depth_confidence: float
    detection_threshold: float
    engine: str
    filter_threshold: float
    margin: float
    precision: str
    ratio: float
    score: str
    segment: str
    threads: int
    width_confidence: float
    device: str = "cpu"


@dataclass(frozen=True)
class Fusion:
    """How the pipeline ``Hybrid`` joins a global likeness with matches; see ``fusion.fused``.

    ``shortlist``: so many annotations that look most alike are matched. The embedding is the
    column of a table of WBIA's, whoever registered it, with ``embedding_config`` (JSON).
    ``a`` prefers neither side. ``k`` and ``x0`` follow what wbia-plugin-lightglue says of its
    sums: 0 to 5 are no match, 10 to 30 a moderate one.
    """

    a: float = _knob(0.5, _NOTHING, most=1)
    k: float = _knob(0.2, _NOTHING, most=1e6)
    x0: float = _knob(10.0, _NOTHING, least=-1e6, most=1e6)
    shortlist: int = _knob(20, _NOTHING, least=1)
    embedding_table: str = _knob("LightGlueFeatures", _NOTHING)
    embedding_column: str = _knob("descriptors", _NOTHING)
    embedding_config: str = _knob(
        '{"matcher": "cosine", "model_name": "efficientnet-lite0"}', _NOTHING
    )

    def __post_init__(self) -> None:
        _check(self)
        try:
            found = json.loads(self.embedding_config)
        except ValueError as error:
            raise SettingsError(f"embedding_config is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise SettingsError("embedding_config must be a JSON object of keys and values")


#: Names that change features, and those that change pairs too.
FEATURE_KNOBS = tuple(f.name for f in fields(Knobs) if f.metadata["changes"] == _FEATURES)
PAIR_KNOBS = tuple(f.name for f in fields(Knobs) if f.metadata["changes"] != _NOTHING)
DEFAULTS: Mapping[str, Any] = {f.name: f.default for f in fields(Knobs)}
FUSION_DEFAULTS: Mapping[str, Any] = {f.name: f.default for f in fields(Fusion)}


def read_knobs(config_path: Optional[str], given: Mapping[str, object]) -> Knobs:
    """Defaults, over them the JSON file, over it ``given``; ``None`` counts as not given.

    ``config_path``: ``None`` reads ``DEFAULT_PATH`` if there is such a file; one that is named
    must exist. Raises ``SettingsError`` naming the file and the key.
    """
    values = _read(config_path)
    where = "" if config_path is None else f"{config_path}: "
    try:
        Knobs(**_known(values))
    except SettingsError as error:
        raise SettingsError(f"{where or f'{DEFAULT_PATH}: '}{error}") from error
    overrides = {name: value for name, value in given.items() if value is not None}
    return Knobs(**{**values, **_known(overrides)})


def features_digest(knobs: Knobs, method: Method) -> str:
    """All that changes features: chip, extractor, its arguments and weights."""
    chip = chip_fingerprint(long_edge=knobs.image_size, margin=knobs.margin)
    return _digest(chip, method.extractor.fingerprint)


def pairs_digest(knobs: Knobs, method: Method) -> str:
    """All that changes matches and scores of a pair."""
    return _digest(method.matching_fingerprint, fingerprint("pair.v1", score=knobs.score), GEOMETRY)


def screen_digest(knobs: Knobs, method: Method) -> str:
    """All that changes a first look at a pair; its scores are sums of confidences."""
    chip = chip_fingerprint(long_edge=knobs.image_size, margin=knobs.margin)
    screen = method.screen.fingerprint if method.screen else "none"
    return _digest(chip, method.extractor.fingerprint, screen)


def _digest(*parts: str) -> str:
    return hashlib.sha256(" | ".join(parts).encode()).hexdigest()[:32]


def _read(config_path: Optional[str]) -> dict[str, Any]:
    path = DEFAULT_PATH if config_path is None else Path(config_path)
    if config_path is None and not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the configuration {path}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"the configuration {path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"the configuration {path} is not a JSON object of keys and values")
    return content


def _known(values: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in values:
        if name not in DEFAULTS:
            near = get_close_matches(name, DEFAULTS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(DEFAULTS)}"
            raise SettingsError(f"there is no key {name!r}; {hint}")
    return values


def _check(values: Any) -> None:
    """Each field of a new frozen dataclass of knobs."""
    for each in fields(values):
        object.__setattr__(values, each.name, _checked(each, getattr(values, each.name)))


def _checked(knob: Field[Any], value: Any) -> Any:
    """The value, an integer made a float where one is wanted."""
    kind: Any = type(knob.default)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise SettingsError(
            f"{knob.name} must be {_KINDS[kind]}, got {value!r} ({type(value).__name__})"
        )
    if knob.metadata.get("confidence"):
        if value != -1 and not 0 < value <= 1:
            raise SettingsError(
                f"{knob.name} must be above 0 and at most 1, or -1 to switch it off, got {value}"
            )
    elif kind is not str:
        least: float = knob.metadata["least"]
        most: float = knob.metadata["most"]
        if not least <= float(value) <= most:  # NaN too
            raise SettingsError(f"{knob.name} must be from {least:g} to {most:g}, got {value}")
    return value


_KINDS = {int: "a whole number", float: "a number", str: "a text"}
