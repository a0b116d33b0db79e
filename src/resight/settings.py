"""Everything a user can set, where it may be set, and what wins.

From weakest to strongest: the defaults below; ``resight.toml`` in the user's
configuration folder; ``resight.toml`` in the catalogue's folder; environment
variables ``RESIGHT_<NAME>``; ``--set name=value``. A name that is no setting is
refused wherever it stands. A setting that a method takes has the name of its
constructor's argument.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Optional

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from resight.errors import SettingsError

FILE_NAME = "resight.toml"
PREFIX = "RESIGHT_"
#: Variables of that prefix which are no settings: other parts of resight read them.
OTHER_VARIABLES = frozenset({"RESIGHT_MODELS", "RESIGHT_CATALOGUE", "RESIGHT_TOKEN"})


def _fraction_or_off(value: float) -> float:
    if value != -1 and not 0 < value <= 1:
        raise ValueError("must be above 0 and at most 1, or -1 to switch it off")
    return value


Confidence = Annotated[float, AfterValidator(_fraction_or_off)]


class Settings(BaseModel):
    """One value for every setting; each field's description is what the CLI prints."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: str = Field(
        default="aliked-n16+lightglue",
        description="extractor and matcher, joined by a plus sign",
    )
    long_edge: int = Field(
        default=512,
        ge=32,
        le=8192,
        description="pixels that the longer edge of an animal's chip is scaled to",
    )
    margin: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="how much of its surroundings a box takes along, in parts of its size",
    )
    segment: str = Field(
        default="u2netp",
        description="what tells the animal from its surroundings, so that only its own keypoints "
        "are kept: u2netp, grabcut (no weights), or a folder with encoder.onnx and decoder.onnx of "
        "Segment Anything; none keeps all",
    )
    contrast: Literal["clahe", "none"] = Field(
        default="clahe",
        description="how the contrast of chips is evened out before keypoints are looked for",
    )
    max_keypoints: int = Field(
        default=1024, ge=1, le=65536, description="keypoints kept per chip, the strongest first"
    )
    detection_threshold: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="least detector score of an ALIKED keypoint; 0 takes the best there are",
    )
    contrast_threshold: float = Field(
        default=0.04,
        ge=0,
        lt=1,
        description="least local contrast of a SIFT keypoint, as OpenCV counts it",
    )
    ratio: float = Field(
        default=0.85,
        gt=0,
        le=1,
        description="nearest: greatest distance of a match in parts of the second nearest's",
    )
    depth_confidence: Confidence = Field(
        default=0.95,
        description="LightGlue stops when this share of points is sure; -1 runs all layers",
    )
    width_confidence: Confidence = Field(
        default=0.99,
        description="LightGlue drops points this surely without a match; -1 keeps all",
    )
    filter_threshold: float = Field(
        default=0.1, ge=0, lt=1, description="least confidence of a LightGlue match"
    )
    side_policy: Literal["same", "compatible", "any"] = Field(
        default="compatible",
        description="which gallery photos a query meets: of the same side, of a side "
        "that can show the same skin, or all",
    )
    effort: Literal["quick", "normal", "thorough", "exhaustive"] = Field(
        default="normal",
        description="how much is compared: the photos that look most alike at a glance, "
        "more of them, or all",
    )
    score: str = Field(default="sum", description="the raw score that ranks individuals")
    new_prior: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="how probable it is, before anybody looks, that a photo shows a new animal",
    )
    wanted_error: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="share of verdicts (known or new) that may be wrong; the less, the more "
        "are undecided",
    )
    engine: Literal["openvino", "onnxruntime"] = Field(
        default="openvino", description="what runs the networks"
    )
    device: Literal["cpu", "cuda"] = Field(
        default="cpu",
        description="where the networks run; cuda needs engine onnxruntime and the extra "
        "resight[cuda], and is untested: no GPU was there",
    )
    precision: Literal["auto", "f32", "bf16"] = Field(
        default="auto",
        description="arithmetic of the networks; auto is the fastest that is safe here",
    )
    threads: int = Field(
        default=0, ge=0, le=1024, description="threads of the engine; 0 leaves it the choice"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans(cls, value: object) -> object:
        if isinstance(value, bool):  # pydantic would read true as 1
            raise ValueError("is neither true nor false")
        return value


class _Source(NamedTuple):
    """Where values came from, as messages name it, and the values as they stood there."""

    name: str
    values: Mapping[str, object]


def load_settings(
    assignments: Sequence[str] = (),
    *,
    catalogue: Optional[Path] = None,
    environ: Optional[Mapping[str, str]] = None,
    user_folder: Optional[Path] = None,
) -> Settings:
    """The settings in force.

    ``assignments`` are ``name=value`` as given to ``--set``; ``catalogue`` is the
    folder of the catalogue in use, if there is one. ``environ`` and
    ``user_folder`` are the process's and the platform's own unless given.

    Raises ``SettingsError`` naming the place, the setting and its nearest
    namesake or its limits.
    """
    return locate_settings(
        assignments, catalogue=catalogue, environ=environ, user_folder=user_folder
    )[0]


def locate_settings(
    assignments: Sequence[str] = (),
    *,
    catalogue: Optional[Path] = None,
    environ: Optional[Mapping[str, str]] = None,
    user_folder: Optional[Path] = None,
) -> tuple[Settings, Mapping[str, str]]:
    """As ``load_settings``, and for each setting that is not at its default where it was set."""
    if user_folder is None:
        user_folder = user_settings_folder()
    folders = [user_folder] if catalogue is None else [user_folder, catalogue]
    sources = [_from_file(folder / FILE_NAME) for folder in folders]
    sources.append(_from_environment(os.environ if environ is None else environ))
    sources.append(_from_assignments(assignments))
    return _merge(sources)


def user_settings_folder() -> Path:
    """Where the user's own settings file is, if there is one."""
    from platformdirs import user_config_path

    return user_config_path("resight", appauthor=False)


def _from_file(path: Path) -> _Source:
    try:
        with path.open("rb") as file:
            return _Source(str(path), tomllib.load(file))
    except FileNotFoundError:
        return _Source(str(path), {})
    except OSError as error:
        raise SettingsError(f"cannot read the settings in {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> _Source:
    """Variables that are set; one set to nothing counts as not set."""
    values = {
        variable.removeprefix(PREFIX).lower(): value
        for variable, value in environ.items()
        if variable.startswith(PREFIX) and variable not in OTHER_VARIABLES and value
    }
    return _Source(f"environment variables {PREFIX}…", values)


def _from_assignments(assignments: Sequence[str]) -> _Source:
    values: dict[str, object] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"--set {assignment}: write it as name=value")
        values[name.strip()] = value.strip()
    return _Source("--set", values)


def _merge(sources: Sequence[_Source]) -> tuple[Settings, Mapping[str, str]]:
    values: dict[str, object] = {}
    origin: dict[str, str] = {}
    for source in sources:
        for name, value in source.values.items():
            if name not in Settings.model_fields:
                raise SettingsError(f"{source.name}: {_unknown(name)}")
            values[name] = value
            origin[name] = source.name
    try:
        return Settings.model_validate(values), origin
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error, origin))) from error


def _unknown(name: str) -> str:
    near = get_close_matches(name, Settings.model_fields, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(Settings.model_fields)}"
    return f"there is no setting {name!r}; {hint}"


def _explain(error: ValidationError, origin: Mapping[str, str]) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0])
        said = problem["msg"].removeprefix("Value error, ")
        yield f"{origin[name]}: {name} = {problem['input']!r}: {said[0].lower()}{said[1:]}"
