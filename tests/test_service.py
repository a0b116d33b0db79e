"""``POST /match/`` over HTTP, with drawn animals."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from resight.extractors.sift import Sift
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method
from resight.service.wildbook import Source, match_router
from resight.testing import drawn_animals
from resight.testing.folders import WrittenPhoto, write_photos


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[WrittenPhoto]:
    """Two left sides of one animal, then two of another."""
    written = write_photos(tmp_path_factory.mktemp("photos"), drawn_animals(2), difficulty=0.2)
    return [each for each in written if each.side == "left"]


@pytest.fixture
def client(photos: list[WrittenPhoto]) -> Iterator[TestClient]:
    method = Method("sift+nearest", Sift(), NearestNeighbour())
    app = FastAPI()
    app.include_router(match_router(method, Source(photos[0].path.parents[1])))
    with TestClient(app) as found:
        yield found


def image(photo: WrittenPhoto, **more: Any) -> dict[str, Any]:
    """By its path in the folder."""
    place = photo.path.relative_to(photo.path.parents[1])
    return {"image_uri": str(place), "bbox": list(photo.box), **more}


def inline(data: bytes) -> dict[str, str]:
    return {"image_uri": "data:image/jpeg;base64," + base64.b64encode(data).decode()}


def test_one_photo_against_many(client: TestClient, photos: list[WrittenPhoto]) -> None:
    asked = {"query": image(photos[0]), "database": [image(each) for each in photos[1:]]}
    answer = client.post("/match/", json=asked).json()
    scores = [each["score"] for each in answer["results"]]
    assert scores[0] > 3 * max(scores[1:])
    assert answer["method"] == "sift+nearest"
    assert "sift" in answer["fingerprint"]
    points = np.array([each["query"] for each in answer["results"][0]["matches"]])
    x, y, w, h = photos[0].box
    assert (points >= (x - 1, y - 1)).all()
    assert (points <= (x + w, y + h)).all()


def test_matches_can_be_left_out(client: TestClient, photos: list[WrittenPhoto]) -> None:
    asked = {
        "query": image(photos[0]),
        "database": [image(photos[1])],
        "include_matches": False,
    }
    (result,) = client.post("/match/", json=asked).json()["results"]
    assert result["matches"] == []
    assert result["score"] > 0


def test_theta_sets_a_turned_animal_upright(client: TestClient, photos: list[WrittenPhoto]) -> None:
    pixels: Any = cv2.imread(str(photos[0].path))
    turned = cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
    x, y, w, h = photos[0].box
    # The box as it was upright, about the place its centre has now.
    centre = (pixels.shape[0] - (y + h / 2), x + w / 2)
    data = cv2.imencode(".png", turned)[1].tobytes()
    box = [centre[0] - w / 2, centre[1] - h / 2, w, h]
    asked = {
        "query": image(photos[0]),
        "database": [
            {**inline(data), "bbox": box, "theta": math.pi / 2},
            image(photos[0]),
        ],
    }
    upright, same = client.post("/match/", json=asked).json()["results"]
    assert upright["score"] > 0.7 * same["score"]
    pairs = [(m["query"], m["database"]) for m in upright["matches"] if m["verified"]]
    start, end = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    expected = np.stack([pixels.shape[0] - 1 - start[:, 1], start[:, 0]], 1)
    assert np.median(np.linalg.norm(end - expected, axis=1)) < 1.5


def test_a_bad_photo_of_the_database_is_reported_in_its_place(
    client: TestClient, photos: list[WrittenPhoto]
) -> None:
    asked = {
        "query": image(photos[0]),
        "database": [inline(b"no photo"), image(photos[1]), {"image_uri": "nope.jpg"}],
    }
    first, second, third = client.post("/match/", json=asked).json()["results"]
    assert first["score"] is None
    assert first["error"]
    assert second["score"] > 0
    assert "nope.jpg" in third["error"]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("../../../etc/passwd", "does not lie in the folder"),
        ("/etc/passwd", "does not lie in the folder"),
        ("file:///etc/passwd", "does not lie in the folder"),
        ("http://127.0.0.1:9/a.jpg", "reads no URLs"),
        ("data:image/jpeg;base64,!!!", "not base64"),
        ("data:image/jpeg,abc", "not data:"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused(
    client: TestClient, photos: list[WrittenPhoto], uri: str, message: str
) -> None:
    asked = {"query": {"image_uri": uri}, "database": [image(photos[1])]}
    answer = client.post("/match/", json=asked)
    assert answer.status_code == 400
    assert message in answer.json()["detail"]


def test_without_a_folder_no_path_is_read() -> None:
    with pytest.raises(Exception, match="reads no paths"):
        Source().read("a.jpg")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").symlink_to(tmp_path / "secret")
    with pytest.raises(Exception, match="does not lie in the folder"):
        Source(folder).read("a.jpg")


@pytest.mark.parametrize(
    "wrong",
    [
        {"database": []},
        {"query": {"image_uri": "a.jpg", "bbox": [0, 0, 5]}},
        {"query": {"image_uri": "a.jpg", "boks": [0, 0, 5, 5]}},
        {"include": True},
    ],
)
def test_what_is_no_request_is_refused(
    client: TestClient, photos: list[WrittenPhoto], wrong: dict[str, Any]
) -> None:
    asked = {"query": image(photos[0]), "database": [image(photos[1])], **wrong}
    assert client.post("/match/", json=asked).status_code == 422


def test_it_is_described_by_openapi(client: TestClient) -> None:
    found = client.get("/openapi.json").json()["paths"]["/match/"]["post"]
    assert found["summary"] == "Match one photo with others"
