"""A table with its photos: sent, looked at before anything is done, put in, taken back."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from resight.catalogue import Catalogue
from resight.formats.sheets import sheet_bytes
from resight.service.desk import Desk, open_desk
from resight.testing import drawn_animals, photograph, write_jpeg

from .conftest import API, QUICK, Browser
from .test_jobs_of_desk import ended

_DAY = datetime(2024, 7, 5, 10, 30)
HEADER = "File,Turtle,Flank,Date,Site\n"


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Three photos of an animal that no catalogue has."""
    folder, animal = tmp_path_factory.mktemp("sent"), drawn_animals(9)[8]
    made = {}
    for number in range(3):
        path = folder / f"IMG_{number}.jpg"
        write_jpeg(
            path, photograph(animal, seed=number, side="left", size=(160, 120)), taken_at=_DAY
        )
        made[path.name] = path.read_bytes()
    return made


def sent(
    browser: Browser, table: str | bytes, photos: dict[str, bytes], name: str = "sightings.csv"
) -> Any:
    """A table and photos, sent."""
    data = table.encode() if isinstance(table, str) else table
    answer = browser("POST", "/imports", files={"file": (name, data, "text/csv")})
    assert answer.status_code == 201, answer.text
    for path, content in photos.items():
        stored = browser(
            "POST",
            f"/imports/{answer.json()['id']}/photos",
            files={"file": ("p.jpg", content, "image/jpeg")},
            params={"path": path},
        )
        assert stored.status_code == 201, stored.text
    return answer.json()


def looked(browser: Browser, table: Any, **choices: Any) -> Any:
    """What putting it in would do; columns as guessed, and Turtle as the animal."""
    columns = {**table["columns"], "identity": "Turtle"}
    return browser.post(f"/imports/{table['id']}/preview", {"columns": columns, **choices})


def put_in(browser: Browser, desk: Desk, table: Any, **choices: Any) -> Any:
    """The job that has put it in."""
    desk.jobs.start()
    columns = {**table["columns"], "identity": "Turtle"}
    job = browser.post(f"/imports/{table['id']}/run", {"columns": columns, **choices})
    job = ended(browser, job)
    assert job["state"] == "done", job
    return job


def statuses(report: Any) -> dict[str, str]:
    """By row what becomes of it."""
    return {row["source"]: row["status"] for row in report["rows"]}


def test_a_key_is_not_for_another_path(ann: Browser, photos: dict[str, bytes]) -> None:
    """An answer that is repeated would say that a photo is there which is not."""
    table = sent(ann, HEADER, {})
    asked = {
        "files": {"file": ("p.jpg", photos["IMG_0.jpg"], "image/jpeg")},
        "headers": {"Idempotency-Key": "one"},
    }
    address = f"/imports/{table['id']}/photos"
    answers = [ann("POST", address, params={"path": path}, **asked) for path in ("a.jpg", "b.jpg")]
    assert [each.status_code for each in answers] == [201, 422]


def test_columns_are_guessed_by_what_people_call_them(
    ann: Browser, photos: dict[str, bytes]
) -> None:
    table = sent(ann, HEADER + "IMG_0.jpg,Zoe,L,2024-07-05,Reef\n", {})
    guessed = {"path": "File", "side": "Flank", "date": "Date", "place": "Site"}
    assert table["columns"] == {**guessed, "identity": "Turtle"}
    assert table["header"][1] == {"name": "Turtle", "sample": "Zoe"}


@pytest.mark.parametrize("column", ["mass", "mark", "task"])
def test_what_is_near_a_mask_in_letters_only_is_none(ann: Browser, column: str) -> None:
    table = sent(ann, f"File,Turtle,{column}\nIMG_0.jpg,Zoe,12\n", {})
    assert table["columns"] == {"path": "File", "identity": "Turtle"}


def test_a_preview_says_row_by_row_what_will_happen_and_changes_nothing(
    ann: Browser, photos: dict[str, bytes]
) -> None:
    rows = (
        "C:\\trip\\IMG_0.JPG,Zoe,L,2024-07-05,Reef\n"
        "IMG_1,Zoe,R,5/7/2024,Reef\n"
        "IMG_9.jpg,Zoe,L,2024-07-05,Reef\n"
    )
    before = ann.get("/summary")
    table = sent(ann, HEADER + rows, photos)
    report = looked(ann, table)
    assert report["counts"] == {"added": 1, "already": 0, "bad": 2, "conflict": 0, "updated": 0}
    assert [row["status"] for row in report["rows"]] == ["bad", "bad", "added"]
    reasons = [row["reason"] for row in report["rows"][:2]]
    assert "5/7/2024" in reasons[0]
    assert "send it too" in reasons[1]
    assert report["rows"][2]["said"] == {
        "identity": "Zoe", "side": "left", "date": "2024-07-05", "place": "Reef",
    }  # fmt: skip
    assert report["unnamed"] == ["IMG_2.jpg"]  # a row that cannot be used names its photo too
    assert ann.get("/summary") == before


def test_bad_rows_do_not_stop_the_rest_and_all_is_one_decision(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    rows = "IMG_0.jpg,Zoe,L,2024-07-05,Reef\nIMG_1.jpg,Zoe,up there,,\nIMG_2.jpg,Zoe,R,,\n"
    table = sent(ann, HEADER + rows, photos)
    foreseen = looked(ann, table)
    job = put_in(ann, desk, table)
    assert (job["result"]["added"], job["result"]["bad"]) == (2, 1)
    report = ann.get(f"/imports/{table['id']}")["report"]
    assert statuses(report) == statuses(foreseen)
    assert ann.get("/individual", name="Zoe")["photos"] == 2
    (decision,) = job["result"]["decisions"]
    ann.post(f"/decisions/{decision}/undo", {})
    assert ann("GET", "/individual", params={"name": "Zoe"}).status_code == 404


def test_one_run_is_one_job_during_which_nothing_is_thrown_away(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    """Pressed twice, and run again after a crash that kept its end from being noted."""
    table = sent(ann, "path,identity\nIMG_0.jpg,Zoe\n", photos)
    first = ann.post(f"/imports/{table['id']}/run", {})
    assert ann.post(f"/imports/{table['id']}/run", {"others": True})["id"] == first["id"]
    assert ann("DELETE", f"/imports/{table['id']}").status_code == 409
    desk.jobs.start()
    assert ended(ann, first)["result"]["added"] == 1
    again = ended(ann, ann.post("/jobs", {"kind": "table", "arguments": {"import": table["id"]}}))
    assert (again["state"], again["result"]) == ("done", ended(ann, first)["result"])
    assert ann.get(f"/imports/{table['id']}")["report"]["counts"]["added"] == 1


def test_a_table_that_is_being_put_in_or_was_stays_as_it_was_confirmed(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    table = sent(ann, HEADER + "IMG_0.jpg,Zoe,L,,Reef\n", {"IMG_0.jpg": photos["IMG_0.jpg"]})
    address = f"/imports/{table['id']}"
    job = ann.post(f"{address}/run", {"columns": {"path": "File", "identity": "Turtle"}})

    def refused() -> list[int]:
        files = {"file": ("IMG_0.jpg", photos["IMG_1.jpg"], "image/jpeg")}
        return [
            ann("POST", f"{address}/preview", json={"columns": {"path": "File"}}).status_code,
            ann("POST", f"{address}/photos", files=files, params={"path": "IMG_0.jpg"}).status_code,
            ann("DELETE", address).status_code,
        ]

    assert refused() == [409] * 3
    assert ann.get(address)["job"] == job["id"]
    desk.jobs.start()
    assert ended(ann, job)["result"]["added"] == 1
    assert ann.get("/individual", name="Zoe")["photos"] == 1
    assert refused() == [409] * 3
    assert ann("POST", f"{address}/run", json={}).status_code == 409


def test_all_decisions_of_a_run_that_was_interrupted_are_told(
    ann: Browser, desk: Desk, photos: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each photo is committed on its own here, and the first run ends after the first."""
    monkeypatch.setattr("resight.catalogue.adding._BATCH", 1)
    rows = "".join(f"IMG_{number}.jpg,Zoe,L,,\n" for number in range(3))
    table = sent(ann, HEADER + rows, photos)
    add = desk.catalogue.add

    def interrupted(*plan: Any, **more: Any) -> Iterator[Any]:
        yield next(add(*plan, **more))
        raise OSError("the program ends")

    with monkeypatch.context() as once:
        once.setattr(desk.catalogue, "add", interrupted)
        desk.jobs.start()
        asked = {"columns": {**table["columns"], "identity": "Turtle"}}
        assert ended(ann, ann.post(f"/imports/{table['id']}/run", asked))["state"] == "failed"
    result = put_in(ann, desk, table)["result"]
    assert (result["already"], result["added"], len(result["decisions"])) == (1, 2, 2)
    assert ann.get(f"/imports/{table['id']}")["decisions"] == result["decisions"]
    for decision in result["decisions"]:
        ann.post(f"/decisions/{decision}/undo", {})
    assert ann("GET", "/individual", params={"name": "Zoe"}).status_code == 404


def test_only_photos_that_a_run_knew_of_are_deleted_at_its_end(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    table = sent(ann, HEADER + "IMG_0.jpg,Zoe,L,,\n", photos)
    found = desk.imports.get(table["id"], "ann")
    first, *rest = found.photos().values()
    desk.imports.finish(found, [first], {})
    assert [first.exists(), *(each.exists() for each in rest)] == [False, True, True]


def test_a_row_may_mean_a_photo_of_the_catalogue(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    """Photos first, then the table: what it says is filled in, and contradictions are told."""
    for name in ("IMG_0.jpg", "IMG_1.jpg"):
        files = {"file": (name, photos[name], "image/jpeg")}
        said = {"individual": "Yan"} if name == "IMG_1.jpg" else {}
        assert ann("POST", "/photos", files=files, data=said).status_code == 201
    table = sent(ann, HEADER + "IMG_0.jpg,Zoe,L,,\nIMG_1.jpg,Zoe,L,,\n", {})
    report = looked(ann, table)
    assert [row["status"] for row in report["rows"]] == ["conflict", "updated"]
    assert "'Yan'" in report["rows"][0]["reason"]
    assert report["rows"][1]["reason"] == "filled in individual, side"


def test_a_name_that_cameras_use_again_is_not_enough(
    ann: Browser, photos: dict[str, bytes]
) -> None:
    files = {"file": ("IMG_0.jpg", photos["IMG_0.jpg"], "image/jpeg")}
    assert ann("POST", "/photos", files=files, data={"date": "2019-07-05"}).status_code == 201
    rows = "2024/IMG_0.jpg,Zoe,L,,\nIMG_0.jpg,Zoe,L,2024-07-05,\nIMG_0.jpg,Zoe,L,2019-07-05,\n"
    report = looked(ann, sent(ann, HEADER + rows, {}))
    assert [row["status"] for row in report["rows"]] == ["bad", "bad", "updated"]
    assert "folder" in report["rows"][0]["reason"]
    assert "2019-07-05" in report["rows"][1]["reason"]


def test_what_dates_mean_is_asked_and_kept_and_done(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    rows = "IMG_0.jpg,Zoe,L,5/7/2024,\nIMG_1.jpg,Zoe,L,6/7/2024 9:00,\n"
    table = sent(ann, HEADER + rows, photos)
    report = looked(ann, table)
    assert report["counts"]["bad"] == 2
    assert report["dates"] == {
        "order": None,
        "example": "5/7/2024",
        "choices": {"day-first": "2024-07-05", "month-first": "2024-05-07"},
    }
    report = looked(ann, table, dates="month-first")
    read = ["2024-05-07", "2024-06-07T09:00:00"]
    assert [row["said"]["date"] for row in report["rows"]] == read
    assert report["dates"]["order"] == "month-first"
    assert ann.get(f"/imports/{table['id']}")["dates"] == "month-first"
    put_in(ann, desk, table, dates="month-first")
    found = ann.get("/annotations", individual="Zoe")["items"]
    assert sorted(each["date"] for each in found) == read
    answer = ann("POST", f"/imports/{table['id']}/preview", json={"dates": "guess"})
    assert answer.status_code == 422


def test_names_of_old_excel_are_read_and_the_preview_says_so(
    ann: Browser, photos: dict[str, bytes]
) -> None:
    table = sent(ann, (HEADER + "IMG_0.jpg,Zoë,L,,\n").encode("cp1252"), photos)
    report = looked(ann, table)
    assert report["rows"][0]["said"]["identity"] == "Zoë"
    assert report["warnings"][0].startswith("read as Windows-1252")


def test_the_order_that_dates_show_is_told(ann: Browser, photos: dict[str, bytes]) -> None:
    rows = "IMG_0.jpg,Zoe,L,5/7/2024,\nIMG_1.jpg,Zoe,L,25/7/2024,\n"
    report = looked(ann, sent(ann, HEADER + rows, photos))
    assert (report["counts"]["added"], report["dates"]) == (2, None)
    assert report["warnings"] == ["dates are read with the day first, as 25/7/2024 shows"]


def test_a_preview_judges_boxes_as_the_import_does(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    rows = "path,Turtle,x,y,w,h\nIMG_0.jpg,Zoe,10,10,50,40\nIMG_1.jpg,Zoe,5000,10,50,40\n"
    table = sent(ann, rows, photos)
    foreseen = looked(ann, table)
    assert foreseen["counts"]["bad"] == 1
    put_in(ann, desk, table)
    report = ann.get(f"/imports/{table['id']}")["report"]
    assert [row["reason"] for row in report["rows"]] == [row["reason"] for row in foreseen["rows"]]


def test_a_column_that_is_not_chosen_is_not_read(ann: Browser, photos: dict[str, bytes]) -> None:
    table = sent(ann, "path,identity,date\nIMG_0.jpg,Zoe,yesterday\n", photos)
    asked = {"columns": {"path": "path"}}
    report = ann.post(f"/imports/{table['id']}/preview", asked)
    assert (report["rows"][0]["status"], report["rows"][0]["said"]) == ("added", {})


def test_an_excel_sheet_and_photos_that_no_row_names_are_put_in(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    book = sheet_bytes(["File", "Turtle"], [{"File": "IMG_0.jpg", "Turtle": "Zoe"}])
    table = sent(ann, book, photos, "sightings.xlsx")
    job = put_in(ann, desk, table, others=True)
    assert job["result"]["added"] == 3
    assert ann.get("/individual", name="Zoe")["photos"] == 1


def test_what_was_sent_outlives_the_desk(
    ann: Browser, desk: Desk, photos: dict[str, bytes], folder: Path
) -> None:
    table = sent(ann, HEADER + "IMG_0.jpg,Zoe,L,,\n", photos)
    foreseen = looked(ann, table)
    desk.close()
    again = open_desk(folder, local_user="ann", login_required=False, settings=QUICK)
    browser = Browser(again)
    (waiting,) = browser.get("/imports")["items"]
    assert waiting["photos"] == sorted(photos)
    assert looked(browser, waiting) == foreseen
    again.close()


def test_tables_that_wait_are_listed_without_being_read(
    ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = sent(ann, HEADER + "IMG_0.jpg,Zoe,L,,\n", {})
    monkeypatch.setattr("resight.service.imports.read_table", None)
    assert ann.get("/imports")["items"] == [table]


def test_what_waits_is_no_part_of_the_catalogue(
    ann: Browser, desk: Desk, photos: dict[str, bytes], tmp_path: Path
) -> None:
    sent(ann, HEADER + "IMG_0.jpg,Zoe,L,,\n", photos)
    assert [each for each in desk.catalogue.check() if each.severity != "info"] == []
    desk.catalogue.backup(tmp_path / "backup.zip")
    with Catalogue.restore(tmp_path / "backup.zip", tmp_path / "restored") as restored:
        assert not (restored.folder / "uploads").exists()


def test_what_waits_for_more_than_a_week_is_thrown_away_but_not_what_is_put_in(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    rows = HEADER + "IMG_0.jpg,Zoe,L,,\n"
    old, queued, new = (sent(ann, rows, {"IMG_0.jpg": photos["IMG_0.jpg"]}) for _ in range(3))
    ann.post(f"/imports/{queued['id']}/run", {})
    for table in (old, queued):
        about = desk.catalogue.folder / "uploads" / table["id"] / "about.json"
        about.write_text(json.dumps({**json.loads(about.read_text()), "begun_at": 0.0}))
    last = sent(ann, rows, {})
    left = {each["id"] for each in ann.get("/imports")["items"]}
    assert left == {queued["id"], new["id"], last["id"]}


def test_so_many_tables_of_one_person_may_wait(ann: Browser) -> None:
    tables = [sent(ann, HEADER, {}) for _ in range(20)]
    files = {"file": ("a.csv", HEADER.encode(), "text/csv")}
    answer = ann("POST", "/imports", files=files)
    assert (answer.status_code, "throw one away" in answer.text) == (409, True)
    assert ann("DELETE", f"/imports/{tables[0]['id']}").status_code == 204
    sent(ann, HEADER, {})


def test_what_was_thrown_away_is_gone(ann: Browser, desk: Desk, photos: dict[str, bytes]) -> None:
    table = sent(ann, HEADER + "IMG_0.jpg,Zoe,L,,\n", photos)
    assert ann("DELETE", f"/imports/{table['id']}").status_code == 204
    assert ann.get("/imports")["total"] == 0
    assert list((desk.catalogue.folder / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.csv", b""),
        ("photo.csv", b"\xff\xd8\xff\xe0 not a table"),
        ("book.xlsx", b"PK\x03\x04"),
    ],
)
def test_what_is_no_table_is_refused(ann: Browser, desk: Desk, name: str, data: bytes) -> None:
    answer = ann("POST", "/imports", files={"file": (name, data, "text/csv")})
    assert answer.status_code == 422
    assert name in answer.json()["detail"]
    assert str(desk.catalogue.folder) not in answer.text


def test_a_broken_photo_is_refused_and_the_rest_goes_on(
    ann: Browser, desk: Desk, photos: dict[str, bytes]
) -> None:
    table = sent(ann, HEADER + "IMG_0.jpg,Zoe,L,,\n", photos)
    files = {"file": ("x.jpg", b"no photo", "image/jpeg")}
    answer = ann("POST", f"/imports/{table['id']}/photos", files=files, params={"path": "x.jpg"})
    assert answer.status_code == 422
    assert "x.jpg" in answer.json()["detail"]
    assert str(desk.catalogue.folder) not in answer.text
    assert looked(ann, table)["counts"]["added"] == 1


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({}, "names of the photos"),
        ({"path": "Nothing"}, "unknown column"),
        ({"path": "File", "colour": "Site"}, "unknown field"),
        ({"path": "File", "identity": "File"}, "chosen twice"),
    ],
)
def test_columns_that_cannot_be_read_are_refused(
    ann: Browser, columns: dict[str, str], told: str
) -> None:
    table = sent(ann, HEADER + "IMG_0.jpg,Zoe,L,,\n", {})
    answer = ann("POST", f"/imports/{table['id']}/preview", json={"columns": columns})
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_no_file_of_the_server_is_read_by_its_name(
    ann: Browser, desk: Desk, photos: dict[str, bytes], tmp_path: Path
) -> None:
    """Paths in a table and names of files are only compared with each other."""
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(photos["IMG_0.jpg"])
    table = sent(ann, f"path,Turtle\n{secret},Zoe\n../../secret.jpg,Zoe\n", {})
    assert looked(ann, table)["counts"]["bad"] == 2
    sent(ann, "path,Turtle\na.jpg,Zoe\n", {"../../../../etc/a.jpg": photos["IMG_0.jpg"]})
    inside = desk.catalogue.folder / "uploads"
    assert all(path.is_relative_to(inside) for each in desk.imports.of("ann")
               for path in each.photos().values())  # fmt: skip


def test_others_neither_see_nor_run_what_one_has_sent(
    as_role: Callable[[str], Browser], photos: dict[str, bytes]
) -> None:
    table = sent(as_role("reviewer"), HEADER + "IMG_0.jpg,Zoe,L,,\n", photos)
    curator, viewer = as_role("curator"), as_role("viewer")
    assert curator.get("/imports")["total"] == 0
    assert curator("GET", f"/imports/{table['id']}").status_code == 404
    assert curator("POST", f"/imports/{table['id']}/run", json={}).status_code == 404
    answer = viewer("POST", "/imports", files={"file": ("a.csv", b"path\n", "text/csv")})
    assert answer.status_code == 403


def test_a_workbook_that_unpacks_to_more_than_memory_holds_is_refused(ann: Browser) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", bytes(210_000_000))
    answer = ann("POST", "/imports", files={"file": ("a.xlsx", bomb.getvalue(), "text/csv")})
    assert answer.status_code == 422
    assert "unpacks to more" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_a_damaged_workbook_is_refused(ann: Browser, name: str) -> None:
    end_of_a_zip = b"path\na.jpg\n" + b"PK\x05\x06" + b"\x00" * 4 + b"\xff" * 12 + b"\x00\x00"
    answer = ann("POST", "/imports", files={"file": (name, end_of_a_zip, "text/csv")})
    assert answer.status_code == 422
    assert "damaged" in answer.json()["detail"]


def test_a_table_is_no_larger_than_the_limit(ann: Browser) -> None:
    data = b"path\n" + b"a.jpg\n" * 2_000_000
    answer = ann("POST", "/imports", files={"file": ("a.csv", data, "text/csv")})
    assert answer.status_code == 413
    assert API in str(answer.url)
