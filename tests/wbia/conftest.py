"""A real Wildbook-IA with drawn animals. `make test-wbia` runs these tests; elsewhere they are not
collected, since WBIA is no dependency of resight."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.wbia.asking import SMALL, Work, add_photos

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if importlib.util.find_spec("vtool") is None:  # comes with WBIA, and no folder here is called so
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The left sides of four animals, each met twice: two photos of the first, two of the next."""
    from resight.testing import drawn_animals
    from resight.testing.folders import write_photos

    folder = tmp_path_factory.mktemp("photos")
    written = write_photos(folder, drawn_animals(4), difficulty=0.3)
    return [each for each in written if each.side == "left"]


@pytest.fixture(scope="session")
def make_database(
    tmp_path_factory: pytest.TempPathFactory, photos: list[Any]
) -> Callable[..., Any]:
    """Opens a new WBIA database with the photos."""
    import wbia

    import resight.wbia.plugin  # noqa: F401

    def make() -> Any:
        ibs = wbia.opendb(dbdir=str(tmp_path_factory.mktemp("wbia") / "db"), allow_newdir=True)
        add_photos(ibs, photos)
        return ibs

    return make


@pytest.fixture(scope="session")
def ibs(make_database: Callable[..., Any]) -> Any:
    """A database that no test changes."""
    return make_database()


@pytest.fixture(scope="session")
def spare(make_database: Callable[..., Any]) -> Any:
    """Another, for tests that change annotations, each of them its own. (Opening one is slow.)"""
    return make_database()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration file."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SMALL))
    return path


@pytest.fixture
def work() -> Iterator[Work]:
    """What is done from now on; features in memory are forgotten."""
    from resight.wbia.tables import forget

    forget()
    logger = logging.getLogger("wbia.resight")
    handler, level = Work(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)
