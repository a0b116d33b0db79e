"""Commands that make, fill, show, correct and protect a catalogue."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resight.catalogue import AddOutcome, Catalogue

from .commands import PATTERN, Drawn, run


def test_init_makes_a_catalogue_and_says_what_is_next(tmp_path: Path) -> None:
    ran = run("init", tmp_path / "turtles")
    assert ran.code == 0
    assert str(tmp_path / "turtles") in ran.out
    assert ran.err.startswith("next, with a folder")
    assert ran.err.endswith(f": resight add PHOTOS -c {tmp_path / 'turtles'}\n")
    assert run("list", "-c", tmp_path / "turtles", "--json").json == {
        "individuals": [],
        "without_name": 0,
    }


def test_init_refuses_a_folder_that_has_a_catalogue(drawn: Drawn) -> None:
    ran = run("init", drawn.catalogue)
    assert ran.code == 1
    assert ran.err == f"error: {drawn.catalogue} holds a catalogue already\n"


def test_a_missing_catalogue_names_init_and_the_option() -> None:
    ran = run("list")
    assert (ran.code, ran.out) == (1, "")
    assert "resight init DIR" in ran.err
    assert "--catalogue DIR" in ran.err


def test_the_catalogue_is_named_before_or_after_the_command_or_by_a_variable(
    drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("list", "-c", drawn.catalogue).code == 0
    assert run("-c", drawn.catalogue, "list").code == 0
    monkeypatch.setenv("RESIGHT_CATALOGUE", str(drawn.catalogue))
    assert run("list").code == 0
    assert run("-c", tmp_path / "elsewhere", "list").code == 1, "the option wins"
    assert run("list", "-c", tmp_path / "elsewhere").code == 1, "the option wins"


def test_list_shows_each_individual_with_its_sides(drawn: Drawn) -> None:
    ran = run("list", "-c", drawn.catalogue)
    assert "left 1, right 1" in ran.out
    assert ran.out.endswith("2 individuals, 4 photos\n")
    found = _individuals(drawn)
    assert [each["name"] for each in found] == ["Donatello", "Raphael"]
    assert found[0]["sides"] == {"left": 1, "right": 1}


def test_adding_again_finds_everything_known(drawn: Drawn) -> None:
    ran = run("add", drawn.known, "--pattern", PATTERN, "-c", drawn.catalogue, "--json")
    assert ran.code == 0
    assert ran.json["counts"] == {"added": 0, "updated": 0, "already": 4, "conflict": 0, "bad": 0}


def test_a_bad_photo_among_good_ones_is_reported_and_the_rest_added(
    drawn: Drawn, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed" / "Michelangelo"
    folder.mkdir(parents=True)
    shutil.copy(drawn.queries[4].path, folder / "good.jpg")
    (folder / "bad.jpg").write_bytes(b"no picture")
    ran = run("add", folder.parent, "-c", drawn.catalogue)
    assert ran.code == 3
    assert "bad.jpg" in ran.err
    assert "1 added" in ran.out
    assert "1 unusable" in ran.out
    assert run("show", "Michelangelo", "-c", drawn.catalogue).code == 0


def test_what_somebody_undoes_while_it_is_added_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        Image.new("RGB", (90 + number, 60), (9, 99, 199)).save(tmp_path / f"{number}.png")
    folder = tmp_path / "catalogue"
    assert run("init", folder).code == 0
    add = Catalogue.add

    def undone_meanwhile(catalogue: Catalogue, *plan: Any, **said: Any) -> Iterator[AddOutcome]:
        yield from add(catalogue, *plan, **said)
        with Catalogue.open(folder) as other:  # another terminal
            other.undo(actor="bo")

    with monkeypatch.context() as patched:
        patched.setattr(Catalogue, "add", undone_meanwhile)
        ran = run("add", *tmp_path.glob("*.png"), "-c", folder)
    assert ran.code == 1, "nothing of it is there"
    assert "3 photos of these were taken out again meanwhile: somebody has undone" in ran.err
    assert run("add", *tmp_path.glob("*.png"), "-c", folder).code == 0


def test_a_photo_that_is_damaged_in_part_is_added_and_told(tmp_path: Path, drawn: Drawn) -> None:
    sound = drawn.queries[0].path.read_bytes()
    broken = bytearray(sound)
    middle = len(sound) // 2
    broken[middle : middle + 20] = bytes(range(20, 40))
    (tmp_path / "broken.jpg").write_bytes(broken)
    ran = run("add", tmp_path / "broken.jpg", drawn.queries[1].path, "-c", drawn.catalogue)
    assert ran.code == 0
    assert "2 added" in ran.out
    assert "warning: 1 new photo may be damaged in part" in ran.err
    assert re.search(r"broken.jpg \(Corrupt JPEG data: .+\)", ran.err)
    assert drawn.queries[1].path.name not in ran.err


def test_add_says_whom_the_photos_are_of(drawn: Drawn, tmp_path: Path) -> None:
    photo = drawn.queries[0].path.read_bytes()
    for number in range(12):
        folder = tmp_path / "photos" / f"T{number:02}"
        folder.mkdir(parents=True)
        for copy in (1, 2):  # JPEG readers ignore what follows the picture
            (folder / f"{copy}.jpg").write_bytes(photo + f"{number} {copy}".encode())
    (tmp_path / "photos" / "loose.jpg").write_bytes(photo)
    where = ("-c", drawn.catalogue)
    run("add", tmp_path / "photos" / "T00", "--individual", "T00", *where)
    names = ", ".join(f"T{number:02} (2)" for number in range(1, 11))
    said = f"11 individuals, 11 new: {names} and 1 other; 1 photo without a name\n"
    command = ("add", tmp_path / "photos", *where)
    assert said in run(*command, "--dry-run").out
    assert said in run(*command).out
    outcomes = {
        Path(each["source"]).name: each for each in run(*command, "--json").json["outcomes"]
    }
    assert (outcomes["1.jpg"]["identity"], outcomes["1.jpg"]["side"]) == ("T11", "unknown")
    assert outcomes["loose.jpg"]["identity"] == ""


def test_a_reason_is_told_once_with_a_count(drawn: Drawn, tmp_path: Path) -> None:
    (tmp_path / "mixed").mkdir()
    for number in range(5):
        (tmp_path / "mixed" / f"{number}.jpg").write_bytes(b"")
    (tmp_path / "mixed" / "other.jpg").write_bytes(b"no picture")
    ran = run("add", tmp_path / "mixed", "-c", drawn.catalogue)
    first, second = ran.err.splitlines()
    examples = ", ".join(str(tmp_path / "mixed" / f"{number}.jpg") for number in range(3))
    assert first.startswith("bad: 5 photos: the file is empty")
    assert first.endswith(f": {examples}, …")
    assert second.startswith(f"bad: {tmp_path / 'mixed' / 'other.jpg'}: ")


def test_a_photo_is_added_with_its_box(drawn: Drawn) -> None:
    box = ("--box", "10,20,200,150")
    ran = run("add", drawn.queries[0].path, *box, "-c", drawn.catalogue, "--json")
    (outcome,) = ran.json["outcomes"]
    shown = run("show", outcome["annotation"], "-c", drawn.catalogue, "--json").json
    assert shown["annotations"][0]["box"] == [10, 20, 200, 150]


def test_nothing_but_bad_photos_is_an_error(drawn: Drawn, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    assert run("add", tmp_path / "bad.jpg", "-c", drawn.catalogue).code == 1
    assert run("add", tmp_path / "none.jpg", "-c", drawn.catalogue).code == 1


def test_one_photo_is_added_with_what_the_command_line_says(drawn: Drawn) -> None:
    said = ("--individual", "Donatello", "--side", "L", "--species", "Chelonia mydas")
    ran = run("add", drawn.queries[0].path, *said, "-c", drawn.catalogue, "--json")
    (outcome,) = ran.json["outcomes"]
    shown = run("show", outcome["annotation"], "-c", drawn.catalogue, "--json").json
    (annotation,) = shown["annotations"]
    assert annotation["individual"] == "Donatello"
    assert annotation["side"] == "left"
    assert annotation["species"] == "Chelonia mydas"


def test_a_name_that_the_folders_contradict_is_refused(drawn: Drawn) -> None:
    ran = run("add", drawn.known, "--individual", "Crush", "-c", drawn.catalogue)
    assert ran.code == 1
    assert "has the identity 'Donatello'" in ran.err
    assert "says 'Crush'" in ran.err


def test_what_is_beside_the_photos_is_told(drawn: Drawn, tmp_path: Path) -> None:
    folder = tmp_path / "trip"
    (folder / "it").mkdir(parents=True)
    shutil.copy(drawn.queries[4].path, folder / "1.jpg")
    for name in ("1.cr2", "2.CR2", "a.gif", "it/catalogue.sqlite"):
        (folder / name).touch()
    ran = run("add", folder, "--dry-run", "-c", drawn.catalogue)
    assert ran.code == 0
    assert "3 other files ignored: .cr2 2, .gif 1\n" in ran.err
    assert "it is left out: it is a resight catalogue" in ran.err
    told = run("add", folder, "-c", drawn.catalogue, "--json").json
    assert told["ignored"] == {".cr2": 2, ".gif": 1}
    assert len(told["warnings"]) == 1
    ran = run("add", drawn.catalogue, "-c", drawn.catalogue)
    assert "is a resight catalogue, not photos" in ran.err
    assert ran.code == 1


def test_a_column_nobody_knows_is_warned_of(drawn: Drawn, tmp_path: Path) -> None:
    photo = drawn.queries[5].path
    table = tmp_path / "t.csv"
    table.write_text(f"path,observer\n{photo.name},Ann\n")
    arguments = ("add", table, "--photos", photo.parent, "-c", drawn.catalogue)
    ran = run(*arguments, "--json")
    assert ran.code == 0
    assert ran.json["warnings"] == ["t.csv: column not known and left out: 'observer'"]
    assert ran.err.count(f"warning: {ran.json['warnings'][0]}\n") == 1


def test_prepare_describes_each_photo_once(drawn: Drawn) -> None:
    first = run("prepare", "-c", drawn.catalogue)
    assert (first.code, first.out) == (0, "4 photos described by sift+nearest, 0 were before\n")
    assert first.err == f"next: resight identify PHOTO -c {drawn.catalogue}\n"
    again = run("prepare", "-c", drawn.catalogue, "--json")
    assert again.json == {"method": "sift+nearest", "made": 0, "kept": 4, "missing": 0}


def test_prepare_goes_on_where_a_photo_is_lost(
    drawn: Drawn, caplog: pytest.LogCaptureFixture
) -> None:
    next((drawn.catalogue / "originals").rglob("*.jpg")).unlink()
    ran = run("prepare", "-c", drawn.catalogue)
    assert (ran.code, ran.out) == (3, "3 photos described by sift+nearest, 0 were before\n")
    assert caplog.text.count("its original is lost or damaged") == 1


def test_many_new_photos_are_to_be_prepared(drawn: Drawn, tmp_path: Path) -> None:
    photo = next(drawn.known.rglob("*.jpg")).read_bytes()
    (tmp_path / "many").mkdir()
    for number in range(50):  # bytes after its end belong to no JPEG, but to its content
        (tmp_path / "many" / f"{number}.jpg").write_bytes(photo + bytes([number]))
    ran = run("add", tmp_path / "many", "-c", drawn.catalogue)
    assert ran.code == 0
    assert f": resight prepare -c {drawn.catalogue}\n" in ran.err


def test_a_pattern_may_be_repeated(drawn: Drawn, tmp_path: Path) -> None:
    folder = tmp_path / "trip"
    folder.mkdir()
    shutil.copy(drawn.queries[4].path, folder / "Mikey_L.jpg")
    shutil.copy(drawn.queries[5].path, folder / "Mikey_2024-07.jpg")
    patterns = ("--pattern", "{identity}_{side}", "--pattern", "{identity}_{date}")
    ran = run("add", folder, *patterns, "-c", drawn.catalogue)
    assert ran.code == 0, ran.err
    shown = run("show", "Mikey", "-c", drawn.catalogue, "--json").json["annotations"]
    assert {(each["side"], each["date"]) for each in shown} == {
        ("left", ""),
        ("unknown", "2024-07"),
    }


def test_dry_run_adds_nothing(drawn: Drawn) -> None:
    ran = run("add", drawn.queries[4].path, "--dry-run", "-c", drawn.catalogue)
    assert "1 would be added" in ran.out
    assert run("list", "--unknown", "--json", "-c", drawn.catalogue).json == {"annotations": []}


def test_photos_without_a_name_are_listed_until_they_are_assigned(drawn: Drawn) -> None:
    run("add", drawn.queries[4].path, "-c", drawn.catalogue)
    (found,) = run("list", "--unknown", "--json", "-c", drawn.catalogue).json["annotations"]
    hint = run("list", "--unknown", "-c", drawn.catalogue).err
    assert hint == f"next: resight assign {found['id']} --to NAME -c {drawn.catalogue}\n"
    listed = run("list", "-c", drawn.catalogue).out
    assert f"1 photo without a name: resight list --unknown -c {drawn.catalogue}" in listed
    assert run("assign", found["id"], "--to", "Michelangelo", "-c", drawn.catalogue).code == 0
    assert run("list", "--unknown", "--json", "-c", drawn.catalogue).json == {"annotations": []}


def test_a_table_says_what_its_photos_show(drawn: Drawn, tmp_path: Path) -> None:
    photo = drawn.queries[5].path
    table = tmp_path / "sightings.csv"
    table.write_text(f"path,identity,side\n{photo.name},Michelangelo,right\n")
    ran = run("add", table, "--photos", photo.parent, "-c", drawn.catalogue)
    assert ran.code == 0, ran.err
    assert "Michelangelo" in run("list", "-c", drawn.catalogue).out


@pytest.mark.parametrize(
    "arguments",
    [
        ("add",),
        ("add", "photos", "--side", "lefft"),
        ("add", "photos", "--box", "1,2,3"),
        ("add", "photo.jpg", "--box", "1,2,3,-4"),
        ("add", "a.jpg", "b.jpg", "--box", "1,2,3,4"),
        ("add", ".", "--box", "1,2,3,4"),
        ("add", ".", "--map", "identity"),
        ("identify",),
        ("identify", "a.jpg", "--box", "1,2,3"),
        ("identify", "a.jpg", "--side", "lefft"),
        ("identify", "a.jpg", "b.jpg", "--box", "1,2,3,4"),
        ("identify", "a.jpg", "b.jpg", "--explain", "out.png"),
        ("evaluate", "p.csv", "--photos", ".", "--effort", "hasty"),
        ("assign", "a.jpg"),
        ("describe", "a.jpg"),
        ("describe", "--side", "left"),
        ("nonsense",),
    ],
)
def test_a_command_line_that_makes_no_sense_ends_with_2(arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage:" in ran.err


@pytest.mark.parametrize(
    "command", [("show", "Donatelo"), ("assign", "donatelo", "--to", "X"), ("hide", "Donatlo")]
)
def test_an_unknown_name_suggests_the_nearest(drawn: Drawn, command: tuple[str, ...]) -> None:
    ran = run(*command, "-c", drawn.catalogue)
    assert ran.code == 1
    assert "did you mean 'Donatello'?" in ran.err


def test_a_photo_not_known_suggests_photos_only(drawn: Drawn, tmp_path: Path) -> None:
    photo = tmp_path / "in" / "Donatello" / "Donatello_L.jpg"
    photo.parent.mkdir(parents=True)
    shutil.copy(drawn.queries[0].path, photo)
    assert run("add", tmp_path / "in", "-c", drawn.catalogue).code == 0
    for what in ("Donatello_L.jpg", photo):
        shown = run("show", what, "-c", drawn.catalogue, "--json").json["annotations"]
        assert [each["name"] for each in shown] == ["Donatello/Donatello_L.jpg"]
    ran = run("assign", "Donatelo_L.jpg", "--to", "Raphael", "-c", drawn.catalogue)
    assert "did you mean 'Donatello/Donatello_L.jpg'?" in ran.err
    ran = run("assign", "Donatello.jpg", "--to", "Raphael", "-c", drawn.catalogue)
    assert "did you mean 'Donatello'?" not in ran.err
    assert ran.code == 1


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("add", "t.csv", "--map", "identity"), "'identity' is not FIELD=COLUMN"),
        (("add", "a.jpg", "b.jpg", "--box", "1,2,3,4"), "--box is for one photo"),
    ],
)
def test_a_command_line_that_contradicts_itself_says_how(
    arguments: tuple[str, ...], advice: str
) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert advice in ran.err


def test_show_tells_photos_and_decisions(drawn: Drawn) -> None:
    shown = run("show", "Donatello", "-c", drawn.catalogue, "--json").json
    assert [each["individual"] for each in shown["annotations"]] == ["Donatello"] * 2
    assert [each["kind"] for each in shown["decisions"]] == ["add"]
    assert all(Path(original).is_file() for original in shown["originals"].values())
    text = run("show", "Donatello", "-c", drawn.catalogue).out
    assert "left.jpg" in text
    assert "Donatello: 2 photos" in text
    for said_once in ("Individual", "Hidden"):
        assert said_once not in text, "in each row the same, or nothing"


def test_assign_corrects_and_undo_takes_it_back(drawn: Drawn) -> None:
    ran = run("assign", "Donatello", "--to", "Raphael", "--by", "Ann", "-c", drawn.catalogue)
    assert ran.code == 0
    assert "2 photos (Donatello/2021-06-07-left.jpg, Donatello/2021-06-07-right.jpg)" in ran.out
    assert "now of Raphael, before of Donatello" in ran.out
    assert [each["name"] for each in _individuals(drawn)] == ["Raphael"]
    assert run("undo", "--by", "Bo", "-c", drawn.catalogue, "--json").json["kind"] == "undo"
    assert [each["name"] for each in _individuals(drawn)] == ["Donatello", "Raphael"]
    log = run("log", "--limit", "2", "-c", drawn.catalogue, "--json").json["decisions"]
    assert [(each["kind"], each["actor"]) for each in log] == [("undo", "Bo"), ("assign", "Ann")]
    assert log[1]["individual"] == "Raphael"
    assert "assign Raphael (undone)" in run("log", "-c", drawn.catalogue).out


def test_the_log_names_nobody_where_most_photos_are_of_nobody(drawn: Drawn, tmp_path: Path) -> None:
    (tmp_path / "new" / "Ann").mkdir(parents=True)
    for number, folder in enumerate(("Ann", ".")):
        shutil.copy(drawn.queries[number].path, tmp_path / "new" / folder / f"{number}.jpg")
    assert run("add", tmp_path / "new", "-c", drawn.catalogue).code == 0
    log = run("log", "--limit", "1", "-c", drawn.catalogue, "--json").json["decisions"]
    assert [(each["kind"], each["individual"]) for each in log] == [("add", None)]


def _shown(drawn: Drawn) -> list[dict[str, object]]:
    """What is known of Raphael's photos, without the number that each change gives them."""
    shown = run("show", "Raphael", "-c", drawn.catalogue, "--json").json["annotations"]
    return [{name: each[name] for name in each if name != "version"} for each in shown]


def test_describe_corrects_a_fact_and_undo_takes_it_back(drawn: Drawn) -> None:
    first, second = _shown(drawn)
    assert {first["side"], second["side"]} == {"left", "right"}
    ran = run("describe", "Raphael", "--side", "TL", "--date", "", "-c", drawn.catalogue)
    assert ran.code == 0
    assert "side topleft, date not known for 2 photos" in ran.out
    assert _shown(drawn) == [{**each, "side": "topleft", "date": ""} for each in (first, second)]
    assert run("undo", "-c", drawn.catalogue).code == 0
    assert _shown(drawn) == [first, second]


def test_box_rotation_and_mask_are_corrected_from_files_and_numbers(
    drawn: Drawn, tmp_path: Path
) -> None:
    where = ("-c", drawn.catalogue)
    photo = next(drawn.known.rglob("Raphael/*left.jpg"))
    with Image.open(photo) as image:
        width, height = image.size
    picture = Image.new("L", (width // 2, height // 2))  # any scale of the same shape
    picture.paste(255, (10, 20, 110, 80))
    picture.save(tmp_path / "animal.png")
    (tmp_path / "animal.json").write_text("[[20, 40, 220, 40, 220, 160, 20, 160]]")
    for file in ("animal.png", "animal.json"):
        ran = run("describe", photo, "--mask", tmp_path / file, "--rotation", "-90", *where)
        assert ran.code == 0
        assert "turned by 270°, mask " in ran.out
        with Catalogue.open(drawn.catalogue) as catalogue:
            (record,) = catalogue.annotations(catalogue.find(str(photo)))
        assert record.mask is not None
        shown = record.mask.on((width, height), np.eye(2, 3))
        expected = np.zeros((height, width), bool)
        expected[40:160, 20:220] = True
        assert (shown != expected).mean() < 0.01
    ran = run("describe", photo, "--box", "20,40,200,120", "--mask", "", *where)
    assert "box 20.0,40.0,200.0,120.0, no mask for 1 photo" in ran.out
    assert "box all of the photo" in run("describe", photo, "--box", "", *where).out


def test_a_mask_that_is_not_of_the_photo_is_refused(drawn: Drawn, tmp_path: Path) -> None:
    where = ("-c", drawn.catalogue)
    photo = next(drawn.known.rglob("Raphael/*left.jpg"))
    with Image.open(photo) as image:
        size = image.size
    for name, picture in {
        "tall.png": Image.new("L", (100, 400), 255),
        "black.png": Image.new("L", size),
    }.items():
        picture.save(tmp_path / name)
        ran = run("describe", photo, "--mask", tmp_path / name, *where)
        assert ran.code == 1
        assert name in ran.err
    (tmp_path / "wrong.json").write_text('{"no": "mask"}')
    of_other = {"size": [size[1] // 2, size[0]], "counts": [0, size[0] * (size[1] // 2)]}
    (tmp_path / "of-other.json").write_text(json.dumps(of_other))
    for file in ("wrong.json", "of-other.json", "none.json", "none.png"):
        ran = run("describe", photo, "--mask", tmp_path / file, *where)
        assert ran.code == 1
        assert file in ran.err
    (tmp_path / "all.json").write_text("[[0, 0, 50, 0, 50, 50]]")
    ran = run("describe", "Raphael", "--mask", tmp_path / "all.json", *where)
    assert (ran.code, "of one photo, but 2 photos" in ran.err) == (2, True)


def test_a_new_name_much_like_a_known_one_is_warned_about(drawn: Drawn) -> None:
    ran = run("assign", "Donatello", "--to", "Rafael", "-c", drawn.catalogue)
    assert ran.code == 0
    assert f"if 'Raphael' was meant, `resight undo 2 -c {drawn.catalogue}`" in ran.err


def test_a_new_name_is_warned_about_where_it_was_written_only(drawn: Drawn) -> None:
    photo, where = next(drawn.known.rglob("*left.jpg")), ("-c", drawn.catalogue)
    contradicting = run("add", photo, "--individual", "Donatelo", *where)
    assert "conflict" in contradicting.err
    assert "undo" not in contradicting.err
    dry = run("add", drawn.queries[0].path, "--individual", "Donatelo", "--dry-run", *where)
    assert dry.err == ""
    added = run("add", drawn.queries[0].path, "--individual", "Donatelo", *where)
    assert f"if 'Donatello' was meant, `resight undo 2 -c {drawn.catalogue}`" in added.err


def test_the_next_number_is_no_mistyping(drawn: Drawn) -> None:
    for number, name in ((0, "Turtle 17"), (2, "Turtle 18")):
        ran = run("add", drawn.queries[number].path, "--individual", name, "-c", drawn.catalogue)
        assert "warning" not in ran.err


@pytest.mark.parametrize("blank", ["", "   "])
def test_a_blank_name_is_refused(drawn: Drawn, blank: str) -> None:
    for command in (
        ("assign", "Donatello", "--to", blank),
        ("add", drawn.queries[4].path, "--individual", blank),
    ):
        ran = run(*command, "-c", drawn.catalogue)
        assert ran.code == 1
        assert "blank: write `unknown`" in ran.err
    assert len(run("log", "-c", drawn.catalogue, "--json").json["decisions"]) == 1


def test_hiding_twice_says_so(drawn: Drawn) -> None:
    for out in (r"Decision 2: 2 photos \(.+\) hidden\n", "Nothing to do: hidden already\n"):
        assert re.fullmatch(out, run("hide", "Donatello", "-c", drawn.catalogue).out)


def test_hidden_photos_leave_the_list_and_come_back(drawn: Drawn) -> None:
    assert run("hide", "Donatello", "-c", drawn.catalogue).code == 0
    assert _individuals(drawn)[0]["hidden"] == 2
    assert run("hide", "Donatello", "--unhide", "-c", drawn.catalogue).code == 0
    assert _individuals(drawn)[0]["hidden"] == 0


def test_purge_wants_the_name_again(drawn: Drawn) -> None:
    (first, *_) = run("show", "Raphael", "-c", drawn.catalogue, "--json").json["annotations"]
    ran = run("purge", first["id"], "-c", drawn.catalogue)
    assert ran.code == 1
    assert "nothing was purged" in ran.err
    name = Path(first["name"]).name
    purged = run("purge", first["id"], "--confirm", name, "-c", drawn.catalogue, "--json")
    assert purged.json["annotations"] == 1
    assert _individuals(drawn)[1]["photos"] == 1


def test_a_restore_names_what_the_backup_lacked(drawn: Drawn, tmp_path: Path) -> None:
    with Catalogue.open(drawn.catalogue) as catalogue:
        lost = catalogue.original(catalogue.annotations()[0].name)
    lost.unlink()
    assert run("backup", tmp_path / "b.zip", "-c", drawn.catalogue).code == 3
    restored = run("restore", tmp_path / "b.zip", tmp_path / "again", "--json")
    assert restored.code == 3
    assert restored.json["photos"] == 4
    (finding,) = restored.json["findings"]
    assert "missing" in finding["message"]
    assert finding["subject"] in run("restore", tmp_path / "b.zip", tmp_path / "more").err


def test_a_backup_is_restored_elsewhere(drawn: Drawn, tmp_path: Path) -> None:
    made = run("backup", tmp_path / "b.zip", "-c", drawn.catalogue, "--json")
    assert made.json["photos"] == 4
    restored = run("restore", tmp_path / "b.zip", tmp_path / "again", "--json")
    assert (restored.json["individuals"], restored.json["photos"]) == (2, 4)
    assert "2 individuals" in run("list", "-c", tmp_path / "again").out
    assert run("restore", tmp_path / "b.zip", tmp_path / "again").code == 1


def test_a_backup_that_lacks_a_lost_photo_ends_with_3(drawn: Drawn, tmp_path: Path) -> None:
    next((drawn.catalogue / "originals").rglob("*.jpg")).unlink()
    ran = run("backup", tmp_path / "b.zip", "-c", drawn.catalogue)
    assert ran.code == 3
    assert "is lost or damaged" in ran.err


def test_check_says_all_is_well_or_ends_with_3(drawn: Drawn) -> None:
    assert "all is well" in run("check", "-c", drawn.catalogue).out
    next((drawn.catalogue / "originals").rglob("*.jpg")).unlink()
    ran = run("check", "-c", drawn.catalogue)
    assert ran.code == 3
    assert ran.err.startswith("error: ")
    found = run("check", "-c", drawn.catalogue, "--json").json["findings"]
    assert [each["severity"] for each in found] == ["error"]
    assert ran.out == "0 warnings, 1 error\n"


def test_check_groups_what_an_interrupted_import_leaves(drawn: Drawn) -> None:
    for number in range(4):
        folder = drawn.catalogue / "originals" / f"{number}0"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}{'0' * 63}.jpg").write_bytes(b"copied, but not yet known")
    ran = run("check", "-c", drawn.catalogue)
    assert ran.code == 0
    line, last = ran.out.splitlines()
    assert line.startswith("warning: 4 times: it lies among the originals")
    assert line.count("file ") == 3
    assert last == "4 warnings, 0 errors"
    assert ran.err.endswith(
        f"run the same add again, or: resight check --repair -c {drawn.catalogue}\n"
    )
    assert "4 warnings, 0 errors" in run("check", "--repair", "-c", drawn.catalogue).out
    assert run("check", "-c", drawn.catalogue).out == "0 warnings, 0 errors: all is well\n"


def test_quiet_prints_nothing_but_errors(drawn: Drawn, tmp_path: Path) -> None:
    commands: tuple[tuple[object, ...], ...] = (
        ("list",),
        ("show", "Raphael"),
        ("log",),
        ("add", drawn.known, "--pattern", PATTERN),
        ("assign", "Raphael", "--to", "Raphael"),
        ("identify", drawn.queries[0].path),
        ("check",),
        ("settings",),
        ("init", tmp_path / "new"),
    )
    for command in commands:
        ran = run(*command, "--quiet", "-c", drawn.catalogue)
        assert (ran.code, ran.out, ran.err) == (0, "", ""), command
    assert run("--quiet", "-c", drawn.catalogue, "list").out == ""
    assert run("list", "--quiet").err.startswith("error: ")


def test_a_file_name_cannot_steer_the_terminal(drawn: Drawn, tmp_path: Path) -> None:
    evil = tmp_path / "\x1b[31mred.jpg"
    shutil.copy(drawn.queries[0].path, evil)
    assert run("add", evil, "--individual", "[bold]Crush", "-c", drawn.catalogue).code == 0
    shown = run("show", "[bold]Crush", "-c", drawn.catalogue).out
    assert "\x1b" not in shown
    assert "[bold]Crush" in shown


def _individuals(drawn: Drawn) -> list[dict[str, object]]:
    found: list[dict[str, object]] = run("list", "-c", drawn.catalogue, "--json").json[
        "individuals"
    ]
    return found
