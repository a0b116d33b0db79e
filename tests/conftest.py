"""Fixtures that several test files share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from resight.engine import ENGINES, Engine, open_engine
from resight.models.graphs import compiled_folder

# No test of ours is right or wrong by how busy the machine is.
settings.register_profile("anew", deadline=None)
settings.load_profile("anew")


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in float32, the precision in which they must agree."""
    return open_engine(request.param, precision="f32", cache=compiled_folder())


@pytest.fixture(scope="session")
def photos_folder() -> Path:
    """The development photos, which may not be shipped: tests of them skip elsewhere."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TEST_PHOTOS_FOLDER", beside))
    if not folder.is_dir():
        pytest.skip("the development photos are not here")
    return folder
