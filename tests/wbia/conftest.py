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

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if importlib.util.find_spec("vtool") is None:  # comes with WBIA, and no folder here is called so
    collect_ignore_glob = ["test_*.py"]

#: Little work, and enough for these animals.
SMALL = {"max_num_keypoints": 256, "image_size": 320}


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
    import resight.wbia.plugin  # noqa: F401
    import wbia

    def make() -> Any:
        ibs = wbia.opendb(dbdir=str(tmp_path_factory.mktemp("wbia") / "db"), allow_newdir=True)
        add_photos(ibs, photos)
        return ibs

    return make


def add_photos(ibs: Any, photos: list[Any]) -> list[int]:
    """One named annotation for each photo, by the box of the animal's head."""
    found: list[int] = ibs.add_annots(
        ibs.add_images([str(each.path) for each in photos]),
        bbox_list=[tuple(map(int, each.box)) for each in photos],
        nid_list=ibs.add_names([each.individual for each in photos]),
        species_list=["turtle_loggerhead"] * len(photos),
        viewpoint_list=["left"] * len(photos),
    )
    return found


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


class Work(logging.Handler):
    """Counts what the plugin says that it has done."""

    def __init__(self) -> None:
        super().__init__()
        self.described = self.compared = 0
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            self.warnings.append(text)
        elif text.endswith("annotations described"):
            self.described += 1
        elif text.endswith("pairs compared"):
            self.compared += 1

    def clear(self) -> None:
        self.described = self.compared = 0
        self.warnings = []


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


def ask(ibs: Any, qaids: list[int], daids: list[int], **config: Any) -> list[Any]:
    """WBIA's results of the pipeline LightGlue, or another ``pipeline_root``."""
    return list(request(ibs, qaids, daids, **config).execute())


def request(ibs: Any, qaids: list[int], daids: list[int], **config: Any) -> Any:
    """WBIA's query request."""
    cfgdict = {"pipeline_root": "LightGlue", **SMALL, **config}
    return ibs.new_query_request(qaids, daids, cfgdict=cfgdict, verbose=False)
