"""What jobs do to a catalogue of drawn animals, by a method without weights."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from resight.catalogue import Catalogue, plan_pattern
from resight.errors import CatalogueDamaged, PhotoUnreadable
from resight.extractors.sift import Sift
from resight.jobs import Job, Jobs, Kind, Task, bulk_kinds
from resight.jobs.kinds import unresolved
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method
from resight.search import PhotoSearch
from resight.testing import drawn_animals, write_photos

from .test_worker import ended

METHOD = Method("sift+nearest", Sift(max_keypoints=100), NearestNeighbour(), long_edge=128)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both sides of two animals, and one file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    days = [date(2021, 6, 15)]
    write_photos(folder, drawn_animals(2), days=days, difficulty=0, size=(128, 96))
    (folder / "Broken").mkdir()
    (folder / "Broken" / "2021-06-15-left.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue.init(tmp_path / "catalogue") as made:
        yield made


def work(catalogue: Catalogue, kind: str, *, ask=None, **arguments: object) -> Job:  # type: ignore[no-untyped-def]
    kinds = bulk_kinds(
        catalogue, lambda: PhotoSearch(catalogue=catalogue, method=METHOD), ask=ask, local=True
    )
    with Jobs(catalogue.folder, kinds) as jobs:
        jobs.start()
        found = ended(jobs, jobs.add(kind, arguments, actor="Ann").id)
        for each in jobs.all():  # what it has queued
            ended(jobs, each.id)
    return found


def test_an_import_adds_a_folder_reports_bad_files_and_has_it_described(
    catalogue: Catalogue, photos: Path
) -> None:
    job = work(catalogue, "import", path=str(photos), pattern="{identity}/{date}-{side}")
    assert job.state == "done", job.message
    assert job.result is not None
    assert (job.result["added"], job.result["bad"]) == (4, 1)
    assert "Broken" in job.result["failed"][0]["source"]
    assert {each.individual for each in catalogue.entries()} == {a.name for a in drawn_animals(2)}
    assert catalogue.decisions()[0].actor == "Ann"
    again = work(catalogue, "prepare").result
    assert again is not None
    assert (again["made"], again["kept"]) == (0, 4), "described by the job that the import queued"


def test_an_import_names_copies_of_what_is_there(
    catalogue: Catalogue, photos: Path, tmp_path: Path
) -> None:
    work(catalogue, "import", path=str(photos))
    catalogue.delete_features()  # as in a catalogue of an older version
    known = sorted(photos.rglob("*-right.jpg"))[0]
    (tmp_path / "copies").mkdir()
    Image.open(known).save(tmp_path / "copies" / "copy.png")
    result = work(catalogue, "import", path=str(tmp_path / "copies")).result
    assert result is not None
    (copy,) = result["copies"]
    assert copy["source"].endswith("copy.png")
    assert (copy["name"], copy["individual"]) == (
        known.relative_to(photos).as_posix(),
        known.parent.name,
    )


def test_an_import_counts_what_it_added_before_an_interruption(
    catalogue: Catalogue, photos: Path, tmp_path: Path
) -> None:
    work(catalogue, "import", path=str(photos))
    folder = tmp_path / "more"
    folder.mkdir()
    known = sorted(photos.rglob("*-right.jpg"))[0]
    Image.open(known).save(folder / "a copy.png")
    for number in range(2):
        Image.new("RGB", (90 + number, 60), (9, 99, 199)).save(folder / f"b {number}.png")

    result = imported_with_a_stop(catalogue, folder, after=2)
    assert (result["added"], result.get("already")) == (3, None)
    assert [each["source"][-10:] for each in result["copies"]] == ["a copy.png"]


def test_an_import_names_what_is_damaged_in_part_before_an_interruption_too(
    catalogue: Catalogue, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    sound = sorted(photos.rglob("*-right.jpg"))[0].read_bytes()
    broken, middle = bytearray(sound), len(sound) // 2
    broken[middle : middle + 20] = bytes(range(20, 40))
    (folder / "a.jpg").write_bytes(broken)
    (folder / "b.jpg").write_bytes(sound)
    result = imported_with_a_stop(catalogue, folder, after=1)
    assert result["added"] == 2
    (damaged,) = result["damaged"]
    assert damaged["source"].endswith("a.jpg")
    assert "Corrupt JPEG data" in damaged["reason"]


def test_an_interrupted_import_counts_both_rows_of_a_photo(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    for number in range(2):
        Image.new("RGB", (90 + number, 60), (9, 99, 199)).save(tmp_path / f"{number}.png")
    rows = ["path,identity,place", "0.png,Ava,", "0.png,Ava,Reef", "0.png,Ava,Reef", "1.png,Bo,"]
    table = tmp_path / "photos.csv"
    table.write_text("\n".join(rows))
    result = imported_with_a_stop(catalogue, table, after=3)
    assert (result["added"], result["updated"], result["already"]) == (2, 1, 1)


def imported_with_a_stop(catalogue: Catalogue, path: Path, after: int) -> Mapping[str, Any]:
    """What an import tells that was interrupted after so many files, and went on."""
    kinds = bulk_kinds(
        catalogue, lambda: PhotoSearch(catalogue=catalogue, method=METHOD), local=True
    )
    import_ = kinds["import"]
    runs: list[object] = []

    def interrupted(task: Task) -> Mapping[str, Any]:
        runs.append(task)
        if len(runs) == 1:
            tell = task.tell

            def told(stage: str, done: int, total: int) -> None:
                if stage == "adding" and done == after:
                    jobs.add("first", actor="Ann")  # more urgent: this goes on after it
                    time.sleep(0.3)  # a job looks four times a second for such
                tell(stage, done, total)

            task.tell = told  # type: ignore[method-assign, assignment]
        return import_.run(task)

    first = {"first": Kind(lambda _: {}), "import": Kind(interrupted, import_.takes)}
    with Jobs(catalogue.folder, {**first, "prepare": kinds["prepare"]}) as jobs:
        jobs.start()
        job = ended(jobs, jobs.add("import", {"path": str(path)}, actor="Ann").id)
    assert len(runs) == 2
    assert job.result is not None, job.message
    return job.result


def test_an_import_takes_what_add_takes(catalogue: Catalogue, photos: Path, tmp_path: Path) -> None:
    path = sorted(photos.rglob("*.jpg"))[-1]
    images = [{"id": 1, "file_name": str(path)}]
    boxes = [{"image_id": 1, "bbox": [1, 2, 30, 40], "name": "Crush"}]
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps({"images": images, "annotations": boxes}))
    assert work(catalogue, "import", path=str(file)).state == "done"
    assert [(each.individual, each.box) for each in catalogue.annotations()] == [
        ("Crush", (1, 2, 30, 40))
    ]


def test_an_import_of_nothing_says_so(catalogue: Catalogue, tmp_path: Path) -> None:
    assert "needs the path" in work(catalogue, "import").message
    assert "nowhere" in work(catalogue, "import", path=str(tmp_path / "nowhere")).message


def test_every_unresolved_encounter_is_asked_about_and_bad_ones_are_named(
    catalogue: Catalogue, photos: Path
) -> None:
    plan = plan_pattern(photos, "{_}/{encounter}-{side}")
    list(catalogue.add(plan, actor="Ann"))
    first = catalogue.annotations()[0]
    catalogue.describe([first.id], encounter="", actor="Ann")
    expected = {f"annotation:{first.id}", *(each.encounter for each in catalogue.annotations())}
    assert set(unresolved(catalogue)) == expected - {""}
    asked = []

    def ask(reference: str, actor: str) -> None:
        assert actor == "Ann"
        asked.append(reference)
        if reference.startswith("annotation:"):
            raise CatalogueDamaged("its original is lost")

    job = work(catalogue, "identify", ask=ask)
    assert job.result == {
        "identified": len(asked) - 1,
        "failed": [{"source": f"annotation:{first.id}", "reason": "its original is lost"}],
    }
    assert sorted(asked) == sorted(unresolved(catalogue))


def test_what_failed_before_an_interruption_is_asked_again_and_named(
    catalogue: Catalogue, photos: Path
) -> None:
    list(catalogue.add(plan_pattern(photos, "{_}/{encounter}-{side}"), actor="Ann"))
    lost, *others = unresolved(catalogue)
    asked: list[str] = []

    def ask(reference: str, actor: str) -> None:
        asked.append(reference)
        if len(asked) == 1:
            jobs.add("prepare", actor=actor)  # more urgent: this job goes on after it
            time.sleep(0.3)  # a job looks four times a second for such
        if reference == lost:
            raise PhotoUnreadable("its original is lost")

    kinds = bulk_kinds(catalogue, lambda: PhotoSearch(catalogue=catalogue, method=METHOD), ask=ask)
    with Jobs(catalogue.folder, kinds) as jobs:
        jobs.start()
        job = ended(jobs, jobs.add("identify", actor="Ann").id)
    assert asked == [lost, lost, *others]
    assert job.result == {
        "identified": len(others),
        "failed": [{"source": lost, "reason": "its original is lost"}],
    }


def test_a_catalogue_too_small_to_learn_from_says_so(catalogue: Catalogue, photos: Path) -> None:
    list(catalogue.add(plan_pattern(photos, "{identity}/{date}-{side}"), actor="Ann"))
    job = work(catalogue, "calibrate", limit=40)
    assert job.state == "failed"
    assert "20 are needed" in job.message


def test_what_a_server_for_others_may_do_names_no_files(catalogue: Catalogue) -> None:
    kinds = bulk_kinds(catalogue, lambda: PhotoSearch(catalogue=catalogue, method=METHOD))
    assert list(kinds) == ["prepare", "suspicions", "calibrate", "weakest"]
