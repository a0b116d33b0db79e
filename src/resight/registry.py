"""Names of methods, and what to build for each.

A method is an extractor and a matcher, named ``extractor+matcher``:
``aliked-n16+lightglue``, ``sift+nearest``. A name stands for a class, written
``module:Class``, imported only when the method is built. Other packages add
their own through the entry point groups ``resight.extractors`` and
``resight.matchers``; they cannot take a name of resight's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Optional, Protocol, cast

from resight.errors import IncompatibleFeatures, SettingsError, UnknownMethod
from resight.matchers import ANY_FAMILY

if TYPE_CHECKING:  # for the signatures only: naming a method must not start an engine
    from resight.detect import Detector
    from resight.engine import Engine
    from resight.extractors import Extractor
    from resight.matchers import Matcher
    from resight.method import Method
    from resight.segment import Segmenter


class MethodSettings(Protocol):
    """What a method is built from: these, and a value for each argument that its classes take.

    ``resight.settings.Settings``, or any object whose attributes they are.
    """

    @property
    def engine(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def long_edge(self) -> int: ...
    @property
    def margin(self) -> float: ...
    @property
    def score(self) -> str: ...
    @property
    def segment(self) -> str: ...
    @property
    def contrast(self) -> str: ...


#: The detector that needs no file of the user's.
SALIENT = "salient"


@dataclass(frozen=True)
class Part:
    """A registered class as ``module:Class``, and the arguments its name stands for.

    ``models``: of a matcher that was trained for several families of features, the
    ``model`` for each. ``screen``: the arguments that make a matcher a cheap look at a pair,
    where it can be one.
    """

    target: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    screen: Optional[Mapping[str, object]] = None


_ALIKED = "resight.extractors.aliked:Aliked"
_CORNER_SIFT = "resight.extractors.corner_sift:CornerSift"
EXTRACTORS: Mapping[str, Part] = MappingProxyType(
    {
        "aliked-n16": Part(_ALIKED, {"model": "aliked-n16"}),
        "aliked-n16rot": Part(_ALIKED, {"model": "aliked-n16rot"}),
        "aliked-n32": Part(_ALIKED, {"model": "aliked-n32"}),
        "aliked-t16": Part(_ALIKED, {"model": "aliked-t16"}),
        "dedode": Part("resight.extractors.dedode:DeDoDe"),
        "disk": Part("resight.extractors.disk:Disk"),
        "efficientnet-lite0": Part("resight.extractors.efficientnet:EfficientNetLite0"),
        "fast_brief": Part("resight.extractors.fast_brief:FastBrief"),
        "harris_sift": Part(_CORNER_SIFT, {"measure": "harris"}),
        "orb": Part("resight.extractors.orb:Orb"),
        "shi_tomasi_sift": Part(_CORNER_SIFT, {"measure": "shi-tomasi"}),
        "sift": Part("resight.extractors.sift:Sift"),
        "superpoint": Part("resight.extractors.superpoint:SuperPoint"),
        "surf": Part("resight.extractors.surf:Surf"),
        "thumbnail": Part("resight.extractors.thumbnail:Thumbnail"),
        "xfeat": Part("resight.extractors.xfeat:XFeat"),
    }
)
_LIGHTGLUE = "resight.matchers.lightglue:LightGlue"
#: All points of few layers: after so few, none is sure enough to be dropped.
_FEW_LAYERS = {"layers": 3, "depth_confidence": -1, "width_confidence": -1}
MATCHERS: Mapping[str, Part] = MappingProxyType(
    {
        "cosine": Part("resight.matchers.cosine:Cosine"),
        "lighterglue": Part(
            _LIGHTGLUE,
            # Confidences are those of its authors, whatever the settings say of LightGlue's.
            {"model": "xfeat-lighterglue", "depth_confidence": -1, "width_confidence": 0.95},
            screen=_FEW_LAYERS,
        ),
        "lightglue": Part(
            _LIGHTGLUE,
            models={
                "aliked": "aliked-lightglue",
                "disk": "disk-lightglue",
                "sift": "sift-lightglue",
                "superpoint": "superpoint-lightglue",
            },
            screen=_FEW_LAYERS,
        ),
        "metric": Part("resight.matchers.metric:Metric"),
        "nearest": Part("resight.matchers.nearest:NearestNeighbour"),
        "ssim": Part("resight.matchers.ssim:Ssim"),
    }
)
#: Entry point group of each role, and what resight itself registers for it.
_ROLES: Mapping[str, tuple[str, Mapping[str, Part]]] = {
    "extractor": ("resight.extractors", EXTRACTORS),
    "matcher": ("resight.matchers", MATCHERS),
}


def registered(role: str) -> tuple[str, ...]:
    """Names of a role (``extractor`` or ``matcher``), sorted, other packages' included."""
    return tuple(sorted(_parts(role)))


def build_method(name: str, settings: MethodSettings) -> Method:
    """The method of that name, each class given those settings its constructor names.

    A class that takes an ``engine`` gets the one the settings ask for; all parts share it.
    Extractors of keypoints see the animal as the settings ``segment`` and ``contrast`` say.

    Raises ``UnknownMethod`` for a name that is not registered or cannot be
    imported, ``IncompatibleFeatures`` where the matcher was not made for the
    extractor's features, and what the constructors raise (``WeightsMissing``,
    ``SettingsError``).
    """
    # brings OpenCV, which a list of names needs not
    from resight.method import SCREEN_KEYPOINTS, Method, Screen

    first, plus, second = name.partition("+")
    if not plus:
        raise UnknownMethod(
            f"{name!r} does not name a method; a method is an extractor and a matcher, "
            "such as aliked-n16+lightglue"
        )
    make_extractor, described = _load("extractor", first)
    make_matcher, matching = _load("matcher", second)
    engine = cache(partial(build_engine, settings))
    arguments = _arguments(make_extractor, described.arguments, settings, engine)
    extractor = cast("Extractor", make_extractor(**arguments))
    given = matching.arguments
    if matching.models:
        _check_family(second, matching.models, extractor.family, first)
        given = {**given, "model": matching.models[extractor.family]}
    arguments = _arguments(make_matcher, given, settings, engine)
    matcher = cast("Matcher", make_matcher(**arguments))
    _check_family(second, matcher.accepts, extractor.family, first)
    screen = None
    if matching.screen is not None:
        cheap = make_matcher(**{**arguments, **matching.screen})
        screen = Screen(cast("Matcher", cheap), SCREEN_KEYPOINTS)
    return Method(
        name,
        _of_animal(extractor, settings, engine),
        matcher,
        long_edge=settings.long_edge,
        margin=settings.margin,
        score=settings.score,
        screen=screen,
    )


def build_segmenter(settings: MethodSettings) -> Optional[Segmenter]:
    """What tells the animal from what is around it, as the setting ``segment`` says.

    ``None`` where it says none. Raises ``WeightsMissing``.
    """
    if settings.segment == "none":
        return None
    return _segmenter(settings.segment, lambda: build_engine(settings))


def build_engine(settings: MethodSettings) -> Engine:
    """The engine that the settings ask for, with compiled graphs kept beside the weights."""
    from resight.engine import open_engine
    from resight.models.graphs import compiled_folder

    return open_engine(
        settings.engine,
        device=settings.device,
        precision=settings.precision,
        threads=settings.threads,
        cache=compiled_folder(),
    )


def _of_animal(
    extractor: Extractor, settings: MethodSettings, engine: Callable[[], Engine]
) -> Extractor:
    """The extractor, of the animal alone and with its contrast evened out if so set."""
    from resight.extractors import describes_whole
    from resight.extractors.equalised import Equalised
    from resight.extractors.foreground import Foreground

    if describes_whole(extractor):
        return extractor
    if settings.contrast == "clahe":
        extractor = Equalised(extractor)
    if settings.segment != "none":
        extractor = Foreground(extractor, _segmenter(settings.segment, engine))
    return extractor


def _segmenter(name: str, engine: Callable[[], Engine]) -> Segmenter:
    """What the setting ``segment`` names."""
    if name == "u2netp":
        from resight.segment.u2net import U2NetP

        return U2NetP(engine=engine())
    if name == "grabcut":
        from resight.segment.grabcut import GrabCut

        return GrabCut()
    from resight.segment.sam import Sam

    if not Path(name).is_dir():
        raise SettingsError(
            f"segment = {name!r}: there are u2netp, grabcut and none, or name a folder with the "
            "files encoder.onnx and decoder.onnx of Segment Anything"
        )
    return Sam(Path(name), engine=engine())


def build_detector(name: str, settings: MethodSettings) -> Detector:
    """What finds animals in photos: ``salient``, or the detector in an ONNX file of that path.

    Raises ``WeightsMissing``, and ``ModelError`` for a file that is no detector.
    """
    if name == SALIENT:
        from resight.detect.salient import SalientDetector
        from resight.segment.u2net import U2NetP

        return SalientDetector(U2NetP(engine=build_engine(settings)))
    from resight.detect.onnxfile import OnnxDetector

    return OnnxDetector(Path(name), engine=build_engine(settings))


def _check_family(matcher: str, accepts: Iterable[str], family: str, extractor: str) -> None:
    if accepts != ANY_FAMILY and family not in accepts:
        raise IncompatibleFeatures(
            f"{matcher} matches features of {', '.join(sorted(accepts))}, "
            f"not the {family} features of {extractor}; choose another pair"
        )


def _parts(role: str) -> dict[str, Part | EntryPoint]:
    group, own = _ROLES[role]
    foreign = {point.name: point for point in entry_points(group=group)}
    return {**foreign, **own}


def _load(role: str, name: str) -> tuple[Callable[..., object], Part]:
    """The class of that name and what the name stands for."""
    parts = _parts(role)
    if name not in parts:
        near = get_close_matches(name, parts, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(parts))}"
        raise UnknownMethod(f"there is no {role} {name!r}; {hint}")
    part = parts[name]
    if isinstance(part, Part):
        return EntryPoint(name, part.target, _ROLES[role][0]).load(), part
    try:
        return part.load(), Part(part.value)
    except (ImportError, AttributeError) as error:
        package = part.dist.name if part.dist else "another package"
        raise UnknownMethod(
            f"the {role} {name!r} of {package} ({part.value}) cannot be imported: {error}; "
            "reinstall or remove that package"
        ) from error


def _arguments(
    cls: Callable[..., object],
    given: Mapping[str, object],
    settings: MethodSettings,
    engine: Callable[[], Engine],
) -> dict[str, Any]:
    """Values for the keyword-only arguments of a class: the name's, then the settings'."""
    values: dict[str, Any] = dict(given)
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind is not parameter.KEYWORD_ONLY or name in values:
            continue
        if name == "engine":
            values[name] = engine()
        elif name in vars(settings):
            values[name] = getattr(settings, name)
    return values
