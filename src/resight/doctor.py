"""Is everything here that resight needs? Facts about this computer, weights and catalogue.

Gathering never stops at a fault: what fails is a fact too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Optional

import resight
from resight.catalogue import Catalogue, Finding, folder_warnings
from resight.engine import DEVICES, available_cores, open_engine
from resight.errors import NotACatalogue, ResightError
from resight.evaluate.machine import machine
from resight.models import DEFAULT_WEIGHTS, WEIGHTS, models_folder, verify
from resight.settings import FILE_NAME, load_settings, user_settings_folder


@dataclass(frozen=True)
class EngineFacts:
    """An engine on a device: the precision that ``auto`` gives, or why it does not start."""

    name: str
    device: str
    precision: Optional[str]
    problem: str = ""


@dataclass(frozen=True)
class ModelFacts:
    """A weights file, its content verified: present, missing or corrupt."""

    name: str
    state: str
    path: str
    problem: str


@dataclass(frozen=True)
class CatalogueFacts:
    """A catalogue in numbers, and what a quick check found. ``problem``: it cannot be opened.

    ``features_bytes`` are of all methods together, and so is ``features_bytes_per_photo``.
    """

    folder: str
    problem: str = ""
    individuals: int = 0
    photos: int = 0
    originals_bytes: int = 0
    features_bytes: int = 0
    features_bytes_per_photo: Optional[float] = None
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Advice:
    """Something to put right. ``error``: identification or the catalogue is affected."""

    severity: Literal["error", "warning"]
    message: str


@dataclass(frozen=True)
class Facts:
    """All that ``examine`` found; field names are the keys of ``resight doctor --json``.

    ``catalogue`` is ``None`` where the folder holds none; ``settings_files`` are those that exist.
    """

    version: str
    machine: Mapping[str, Any]
    threads: int
    engines: tuple[EngineFacts, ...]
    models_folder: str
    models: tuple[ModelFacts, ...]
    settings_files: tuple[str, ...]
    settings_problem: str
    catalogue: Optional[CatalogueFacts]

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What to put right, the worst first."""
        return tuple(sorted(self._advice(), key=lambda each: each.severity))

    def _advice(self) -> Iterator[Advice]:
        for engine in self.engines:
            if engine.problem and engine.device == "cpu":  # any other device is an extra
                yield Advice("error", f"engine {engine.name}: {engine.problem}")
        for model in self.models:
            if model.state == "corrupt" or (
                model.state == "missing" and model.name in DEFAULT_WEIGHTS
            ):
                yield Advice(
                    "error",
                    f"weights {model.name} are {model.state}: run `resight models fetch "
                    f"{model.name}`",
                )
        if self.settings_problem:
            yield Advice("error", self.settings_problem)
        if self.catalogue:
            yield from _catalogue_advice(self.catalogue)


def examine(catalogue: Path) -> Facts:
    """Gather the facts; ``catalogue`` is the folder to look for one in."""
    about = machine()
    about["versions"] = {**about["versions"], "sqlite": sqlite3.sqlite_version}
    files = [user_settings_folder() / FILE_NAME, catalogue.absolute() / FILE_NAME]
    return Facts(
        version=resight.__version__,
        machine=about,
        threads=available_cores(),
        engines=tuple(_engine(name, device) for name in DEVICES for device in DEVICES[name]),
        models_folder=str(models_folder()),
        models=tuple(_model(name) for name in WEIGHTS),
        settings_files=tuple(str(path) for path in files if path.is_file()),
        settings_problem=_settings_problem(catalogue),
        catalogue=_catalogue(catalogue),
    )


def _engine(name: str, device: str, precision: str = "auto") -> EngineFacts:
    try:
        engine = open_engine(name, device=device, precision=precision)
        return EngineFacts(name, device, engine.precision)
    except (ResightError, ImportError, OSError, RuntimeError) as problem:
        return EngineFacts(name, device, None, str(problem))


def _model(name: str) -> ModelFacts:
    found = verify(name)
    return ModelFacts(name, found.state, str(found.path), found.problem)


def _settings_problem(catalogue: Path) -> str:
    try:
        settings = load_settings(catalogue=catalogue)
    except ResightError as problem:
        return str(problem)
    return _engine(settings.engine, settings.device, settings.precision).problem


def _catalogue(folder: Path) -> Optional[CatalogueFacts]:
    where = str(folder.absolute())
    try:
        with Catalogue.open(folder) as opened:
            photos = {each.photo.sha256: each.photo.bytes for each in opened.annotations()}
            features = opened.features_on_disk()
            return CatalogueFacts(
                folder=where,
                individuals=len(opened.list()),
                photos=len(photos),
                originals_bytes=sum(photos.values()),
                features_bytes=features,
                features_bytes_per_photo=features / len(photos) if photos else None,
                findings=tuple(opened.check(quick=True)),
                warnings=tuple(folder_warnings(folder)),
            )
    except NotACatalogue:
        return None
    except ResightError as problem:
        return CatalogueFacts(where, str(problem))


def _catalogue_advice(facts: CatalogueFacts) -> Iterator[Advice]:
    if facts.problem:
        yield Advice("error", f"catalogue {facts.folder}: {facts.problem}")
    for finding in facts.findings:
        if finding.severity != "info":
            yield Advice(finding.severity, f"catalogue: {finding.subject}: {finding.message}")
    for warning in facts.warnings:
        yield Advice("warning", warning)
