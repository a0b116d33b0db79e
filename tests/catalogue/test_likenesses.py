"""Copies of photos that the catalogue has, told when they are added."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageEnhance

from resight.catalogue import AddOutcome, Catalogue, ImportPlan, PlannedPhoto
from resight.looks import COPY_BITS, differing, glimpsed, look, look_of_file
from resight.photos import read_photo
from resight.testing import drawn_animals, photograph
from resight.types import Box


@pytest.fixture(scope="module")
def drawn() -> list[Image.Image]:
    return [
        Image.fromarray(photograph(animal, seed=number).pixels)
        for number, animal in enumerate(drawn_animals(3))
    ]


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue.init(tmp_path / "catalogue") as made:
        yield made


def saved(path: Path, image: Image.Image, *, taken: str = "", turned: int = 1) -> PlannedPhoto:
    """A photo file, of nobody known, taken at a time of EXIF's form."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turned
    if taken:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=85, exif=exif)
    return PlannedPhoto(path, path.name, path.name)


def add(catalogue: Catalogue, *planned: PlannedPhoto, dry_run: bool = False) -> list[AddOutcome]:
    return list(catalogue.add(ImportPlan("test", planned), actor="ann", dry_run=dry_run))


def likes(outcomes: list[AddOutcome]) -> list[str]:
    return [str(each.like) if each.like else "" for each in outcomes]


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2))


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_copy_names_the_photo_it_is_of(
    catalogue: Catalogue, tmp_path: Path, drawn: list[Image.Image], dry_run: bool
) -> None:
    first = saved(tmp_path / "IMG_1.jpg", drawn[0])
    add(catalogue, PlannedPhoto(first.path, first.source, first.name, identity="Crush"))
    add(catalogue, saved(tmp_path / "IMG_2.jpg", drawn[1]))
    w, h = drawn[0].size
    made = [
        saved(tmp_path / "small.jpg", half(drawn[0])),
        saved(tmp_path / "bright.png", ImageEnhance.Brightness(drawn[0]).enhance(1.2)),
        saved(tmp_path / "cut.webp", drawn[1].crop((w // 100, h // 100, w, h))),
        # The pixels of a camera that was held upright, and what a telephone makes of them.
        saved(tmp_path / "turned.jpg", drawn[0].transpose(Image.Transpose.ROTATE_90), turned=6),
        saved(tmp_path / "other.jpg", drawn[2]),
    ]
    outcomes = add(catalogue, *made, dry_run=dry_run)
    crush = "IMG_1.jpg (Crush)"
    assert likes(outcomes) == [crush, crush, "IMG_2.jpg", crush, ""]
    assert {each.status for each in outcomes} == {"added"}, "told, not dropped"
    assert outcomes[0].like is not None
    assert catalogue.original(outcomes[0].like.photo).read_bytes() == first.path.read_bytes()


def test_photos_of_one_import_and_of_one_encounter_are_not_told(
    catalogue: Catalogue, tmp_path: Path, drawn: list[Image.Image]
) -> None:
    burst = [saved(tmp_path / f"{n}.jpg", half(drawn[0]) if n else drawn[0]) for n in range(2)]
    assert likes(add(catalogue, *burst)) == ["", ""]
    (annotation,) = catalogue.find("0.jpg")
    catalogue.describe([annotation], encounter="dive 1", actor="ann")
    catalogue.hide(catalogue.find("1.jpg"), actor="ann")
    path = saved(tmp_path / "2.png", drawn[0]).path
    (told,) = likes(add(catalogue, PlannedPhoto(path, "2", "2.png"), dry_run=True))
    assert told in ("0.jpg", "1.jpg")
    same = PlannedPhoto(path, "2", "2.png", encounter="dive 1")
    assert likes(add(catalogue, same)) == ["1.jpg"], "the one that is not of the dive"


def test_cameras_that_say_another_time_tell_two_shots(
    catalogue: Catalogue, tmp_path: Path, drawn: list[Image.Image]
) -> None:
    add(catalogue, saved(tmp_path / "1.jpg", drawn[0], taken="2024:05:03 10:00:00"))
    copies = [
        saved(tmp_path / "2.jpg", half(drawn[0]), taken="2024:05:03 10:00:01"),
        saved(tmp_path / "3.jpg", half(drawn[0]), taken="2024:05:03 10:00:00"),
        saved(tmp_path / "4.jpg", half(drawn[0])),
    ]
    assert likes(add(catalogue, *copies)) == ["", "1.jpg", "1.jpg"]


def test_what_was_taken_back_is_nothing_to_resemble(
    catalogue: Catalogue, tmp_path: Path, drawn: list[Image.Image]
) -> None:
    first = saved(tmp_path / "1.jpg", drawn[0])
    add(catalogue, first)
    catalogue.undo(actor="ann")
    assert likes(add(catalogue, saved(tmp_path / "2.jpg", half(drawn[0])))) == [""]
    boxes = (Box(0, 0, 100, 100), Box(200, 0, 100, 100))
    again = [PlannedPhoto(first.path, "1", "1.jpg", box=box) for box in boxes]
    assert likes(add(catalogue, *again)) == ["2.jpg", ""], "told once of a photo"


def test_photos_of_sixteen_bits_of_grey_are_not_all_alike(tmp_path: Path) -> None:
    found = []
    for seed in range(2):
        coarse = np.random.default_rng(seed).integers(0, 256, (9, 12), dtype=np.uint8)
        grey = np.asarray(Image.fromarray(coarse).resize((96, 72), Image.Resampling.BICUBIC))
        path = tmp_path / f"{seed}.png"
        Image.fromarray(grey.astype(np.uint16) * 257).save(path)
        with glimpsed(path) as opened:
            of_file = look_of_file(*opened)
        np.testing.assert_array_equal(of_file, look(read_photo(path).pixels))
        found.append(of_file)
    assert differing(found[0][None], found[1])[0] > COPY_BITS


def test_looks_that_are_gone_come_back(
    catalogue: Catalogue, tmp_path: Path, drawn: list[Image.Image]
) -> None:
    add(catalogue, *(saved(tmp_path / f"{n}.jpg", each) for n, each in enumerate(drawn)))
    copy = saved(tmp_path / "copy.jpg", half(drawn[1]))
    assert catalogue.look_at_photos() == 0
    catalogue.delete_features()
    assert likes(add(catalogue, copy, dry_run=True)) == [""]
    told: list[tuple[int, int]] = []
    assert catalogue.look_at_photos(lambda *done: told.append(done)) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert likes(add(catalogue, copy, dry_run=True)) == ["1.jpg"]


def test_what_is_purged_leaves_no_look_behind(
    catalogue: Catalogue, tmp_path: Path, drawn: list[Image.Image]
) -> None:
    add(catalogue, *(saved(tmp_path / f"{n}.jpg", each) for n, each in enumerate(drawn[:2])))
    kept = catalogue.folder / "features" / "looks.v1.txt"
    before = {each.name: each.photo.sha256 for each in catalogue.annotations()}
    catalogue.purge("0.jpg", confirm="0.jpg", actor="ann")
    assert before["0.jpg"] not in kept.read_text()
    assert before["1.jpg"] in kept.read_text()
    copies = [saved(tmp_path / f"copy-{n}.jpg", half(drawn[n])) for n in (0, 1)]
    assert likes(add(catalogue, *copies)) == ["", "1.jpg"]
    assert catalogue.look_at_photos() == 0


def test_a_line_that_a_crash_cut_off_is_looked_at_again(
    catalogue: Catalogue, tmp_path: Path, drawn: list[Image.Image]
) -> None:
    add(catalogue, *(saved(tmp_path / f"{n}.jpg", each) for n, each in enumerate(drawn[:2])))
    kept = catalogue.folder / "features" / "looks.v1.txt"
    kept.write_bytes(kept.read_bytes()[:-9])
    with Catalogue.open(catalogue.folder) as again:
        assert again.look_at_photos() == 1
        assert likes(add(again, saved(tmp_path / "copy.jpg", half(drawn[1])))) == ["1.jpg"]


def test_a_lost_original_is_left_out(
    catalogue: Catalogue, tmp_path: Path, drawn: list[Image.Image]
) -> None:
    (outcome,) = add(catalogue, saved(tmp_path / "1.jpg", drawn[0]))
    catalogue.delete_features()
    (lost,) = (catalogue.original(each.photo.sha256) for each in catalogue.annotations())
    lost.unlink()
    catalogue.look_at_photos()
    assert likes(add(catalogue, saved(tmp_path / "2.jpg", half(drawn[0])))) == [""]
    assert outcome.status == "added"


def test_an_import_goes_on_where_its_decision_stands(
    catalogue: Catalogue, tmp_path: Path, drawn: list[Image.Image]
) -> None:
    first, second, third = (saved(tmp_path / f"{n}.jpg", each) for n, each in enumerate(drawn))
    twin = saved(tmp_path / "twin.png", drawn[0])

    def sent(planned: PlannedPhoto, decision: int | None, actor: str = "ann") -> AddOutcome:
        plan = ImportPlan("test", (planned,))
        (outcome,) = catalogue.add(plan, actor=actor, decision=decision)
        return outcome

    begun = sent(first, None).decision
    assert begun is not None
    joined = sent(twin, begun)
    assert (joined.decision, joined.like) == (begun, None), "of one import"
    assert sent(second, begun, actor="bob").decision != begun, "somebody else's"
    assert sent(third, 999).decision not in (begun, 999)
    catalogue.undo(begun, actor="ann")
    assert {each.name for each in catalogue.annotations()} == {"1.jpg", "2.jpg"}
    again = sent(first, begun)
    assert again.decision != begun, "what was taken back is not gone on with"
    assert {each.severity for each in catalogue.check()} == {"info"}
