"""Which answers are shown as failures, and their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from resight.errors import ResightError
from resight.evaluate import EvaluationProtocol, Report, evaluate
from resight.evaluate.protocol import Row
from resight.extractors import whole_chip
from resight.matchers.cosine import Cosine
from resight.matchers.metric import Metric
from resight.method import Method
from resight.registry import build_method
from resight.report import PAGE, write_report
from resight.report.failures import FALSE_ALARMS, MISSED, worst_failures
from resight.settings import Settings
from resight.types import Chip, Features

from .made_up import made_up_method, made_up_protocol, made_up_results

SETTINGS = Settings(method="sift+nearest", long_edge=160, max_keypoints=150)


def coat(animal: str) -> Image.Image:
    """Blocks that only this animal has."""
    seed = sum(animal.encode())
    blocks = np.random.default_rng(seed).integers(0, 200, (14, 18, 3), np.uint8)
    return Image.fromarray(np.repeat(np.repeat(blocks, 8, 0), 8, 1))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for animal in ("Ada", "Bo", "Cy", "Di"):
        coat(animal).save(folder / f"{animal}.png")
        coat(animal).save(folder / f"{animal} again.png", optimize=True)
    (folder / "broken.png").write_bytes(b"")
    return folder


def asked(*queries: tuple[str, str], side: str = "left") -> EvaluationProtocol:
    """``queries`` are (whose photo, who the protocol says it is)."""
    names = ("Ada", "Bo", "Cy", "Di")
    gallery = [Row(n, f"{name}.png", "gallery", name, side) for n, name in enumerate(names, 2)]
    rows = [
        Row(10 + n, photo, "query", animal, "left") for n, (photo, animal) in enumerate(queries)
    ]
    return EvaluationProtocol("p.csv", "0" * 64, tuple(gallery), tuple(rows))


def run(protocol: EvaluationProtocol, photos: Path) -> tuple[Method, Report]:
    method = build_method("sift+nearest", SETTINGS)
    return method, evaluate(protocol, photos, [method], SETTINGS)


class Brightness:
    """An extractor of embeddings: the mean of each column and row of a small grey chip."""

    family = "embedding"
    fingerprint = "brightness.v1"
    max_keypoints = 1
    whole = True

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        return [self._features(chip) for chip in chips]

    def _features(self, chip: Chip) -> Features:
        small = cv2.resize(chip.pixels, (16, 16), interpolation=cv2.INTER_AREA).mean(2)
        values = np.concatenate([small.mean(0), small.mean(1)])
        vector = (values / np.linalg.norm(values)).astype(np.float32)
        return whole_chip(
            chip, vector, family=self.family, metric="cosine", fingerprint=self.fingerprint
        )


def pictures(failures: Sequence[bytes | None]) -> list[Image.Image]:
    return [Image.open(BytesIO(each)) for each in failures if each]


def test_a_missed_animal_is_shown_with_its_own_photo_and_the_one_found(photos: Path) -> None:
    protocol = asked(("Ada again.png", "Ada"), ("Bo again.png", "Cy"))
    method, report = run(protocol, photos)
    (failure,) = worst_failures(protocol, photos, method, report.methods[0])
    assert (failure.query.path, failure.novel) == ("Bo again.png", False)
    assert failure.answer.wrong is not None
    assert failure.answer.wrong.individual == "Bo"
    (picture,) = pictures([failure.picture])
    assert picture.format == "JPEG"
    assert picture.width == 880
    assert picture.height > 600, "two rows: its own animal, and the one found"


def test_a_new_animal_that_looks_known_is_shown_beside_what_it_looks_like(photos: Path) -> None:
    protocol = asked(
        ("Ada again.png", "Ada"), ("Bo again.png", "Bo"), ("Cy again.png", "Eve"), side="unknown"
    )
    (photos / "Bo again.png").write_bytes((photos / "Di.png").read_bytes())
    method, report = run(protocol, photos)
    failures = worst_failures(protocol, photos, method, report.methods[0])
    (alarm,) = [each for each in failures if each.novel]
    assert alarm.query.identity == "Eve"
    (picture,) = pictures([alarm.picture])
    assert picture.height < 500, "one row"


def test_an_animal_that_was_never_compared_is_shown_all_the_same(photos: Path) -> None:
    rows = asked(("Bo again.png", "Cy"))
    gallery = tuple(
        Row(row.line, row.path, row.role, row.identity, "right" if row.identity == "Cy" else "left")
        for row in rows.gallery
    )
    protocol = EvaluationProtocol("p.csv", "0" * 64, gallery, rows.queries)
    method, report = run(protocol, photos)
    (failure,) = worst_failures(protocol, photos, method, report.methods[0])
    assert (failure.rank, failure.answer.right) == (None, None)
    assert pictures([failure.picture])[0].height > 600


@pytest.mark.parametrize(
    "method",
    [
        build_method("thumbnail+ssim", SETTINGS),
        Method("brightness+cosine", Brightness(), Cosine(), long_edge=160),
        Method("brightness+metric", Brightness(), Metric(), long_edge=160),
    ],
    ids=lambda method: method.name,
)
def test_photos_compared_as_wholes_are_shown_side_by_side(photos: Path, method: Method) -> None:
    gallery = tuple(
        Row(2 * n + again, path, "gallery", name, "left", f"{name} {again}")
        for n, name in enumerate(("Ada", "Bo", "Cy"), 1)
        for again, path in enumerate((f"{name}.png", f"{name} other.png"))
    )
    for name in ("Ada", "Bo", "Cy"):
        coat(name).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photos / f"{name} other.png")
    query = Row(20, "Bo again.png", "query", "Cy", "left")
    protocol = EvaluationProtocol("p.csv", "0" * 64, gallery, (query,))
    report = evaluate(protocol, photos, [method], SETTINGS)
    (failure,) = worst_failures(protocol, photos, method, report.methods[0])
    assert failure.answer.wrong is not None
    assert failure.answer.wrong.individual == "Bo"
    (picture,) = pictures([failure.picture])
    assert picture.height > 600, "two rows: its own animal, and the one found"


def test_a_broken_query_is_listed_elsewhere(photos: Path) -> None:
    protocol = asked(("broken.png", "Ada"), ("Bo again.png", "Bo"))
    method, report = run(protocol, photos)
    assert worst_failures(protocol, photos, method, report.methods[0]) == ()


def test_the_clearest_errors_come_first_and_there_are_not_too_many(photos: Path) -> None:
    protocol = made_up_protocol(animals=5, queries=60, novel=30)
    results = made_up_results(protocol, 0.1, calibrated=False)
    figures = made_up_method("m", protocol, results)
    (photos / "0.png").write_bytes(b"")
    found = worst_failures(protocol, photos.parent, build_method("sift+nearest", SETTINGS), figures)
    missed, alarms = found[:MISSED], found[MISSED:]
    assert len(alarms) == FALSE_ALARMS
    assert [each.novel for each in found] == [False] * MISSED + [True] * FALSE_ALARMS
    margins = [
        each.answer.candidates[0].score - each.answer.right.score
        for each in missed
        if each.answer.right
    ]
    assert margins == sorted(margins, reverse=True)
    scores = [each.answer.candidates[0].score for each in alarms]
    assert scores == sorted(scores, reverse=True)
    assert {each.picture for each in found} == {None}, "photos that are not there"


def test_the_page_is_written_into_a_new_folder(photos: Path, tmp_path: Path) -> None:
    protocol = asked(("Ada again.png", "Ada"), ("Bo again.png", "Cy"))
    method, report = run(protocol, photos)
    told: list[tuple[str, int, int]] = []
    path = write_report(
        report, protocol, photos, [method], tmp_path / "new" / "folder", lambda *s: told.append(s)
    )
    assert path == tmp_path / "new" / "folder" / PAGE
    assert "data:image/jpeg;base64," in path.read_text(encoding="utf-8")
    assert told == [("sift+nearest: pictures", 1, 1)]


def test_a_folder_that_cannot_be_made_is_an_error(photos: Path, tmp_path: Path) -> None:
    protocol = asked(("Ada again.png", "Ada"))
    method, report = run(protocol, photos)
    (tmp_path / "file").write_text("")
    with pytest.raises(ResightError, match=r"cannot write .*report\.html"):
        write_report(report, protocol, photos, [method], tmp_path / "file" / "x")
