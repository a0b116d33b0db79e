"""Processes that are really killed, at any moment, and several that write at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resight.catalogue import Catalogue, plan_folders

Draw = Callable[..., Path]
HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"


@contextmanager
def running(script: str, *arguments: object, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(HERE / script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for seed in range(60):
        draw(tmp_path / "photos" / "ABCD"[seed % 4] / f"{seed}.png", seed, (12, 8))
    return tmp_path / "photos"


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_by_killing_at_random_moments(
    tmp_path: Path, photos: Path
) -> None:
    folder = tmp_path / "catalogue"
    Catalogue.init(folder).close()
    with running("random_kills.py", folder, photos, "kill", 30) as process:
        printed, errors = process.communicate()
    assert process.returncode == 0, errors
    said_photos, said_decisions = map(int, printed.split())
    assert said_photos > 60
    assert said_decisions > 60
    with Catalogue.open(folder) as catalogue:
        statuses = {o.status for o in catalogue.add(plan_folders(photos), actor="ann")}
        assert statuses <= {"added", "already", "updated", "conflict"}
        list(catalogue.check(repair=True))
        assert [finding for finding in catalogue.check() if finding.severity != "info"] == []


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_by_killing_before_any_operation(tmp_path: Path) -> None:
    # Every 9th operation is enough in each run of the tests; 1 tries them all.
    every = os.environ.get("RESIGHT_CRASH_EVERY", "9")
    with running("crash_points.py", tmp_path, RESIGHT_CRASH_EVERY=every) as process:
        printed, errors = process.communicate()
    assert process.returncode == 0, errors
    assert int(printed) >= 30


@pytest.mark.slow
def test_writers_in_several_processes_share_a_catalogue(tmp_path: Path, photos: Path) -> None:
    folder = tmp_path / "catalogue"
    Catalogue.init(folder).close()
    said = []
    with (
        running("random_kills.py", folder, photos, "work", 1) as one,
        running("random_kills.py", folder, photos, "work", 2) as two,
    ):
        for process in (one, two):
            assert process.stdout is not None
            said += [process.stdout.readline() for _ in range(60)]
    with Catalogue.open(folder) as catalogue:
        assert [f for f in catalogue.check() if f.severity == "error"] == []
        kinds = {(str(d.id), d.kind) for d in catalogue.decisions()}
        assert {d.actor for d in catalogue.decisions()} == {"worker 1", "worker 2"}
        assert len(catalogue.annotations()) <= 60
    decisions = {tuple(line.split()[1:]) for line in said if line.startswith("decision")}
    assert len(decisions) > 30
    assert decisions <= kinds
