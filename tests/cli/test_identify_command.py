"""`resight identify`, `resight evaluate` and the drawings."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from resight.cli.answers import method_note, searched
from resight.search import PhotoSearch
from resight.types import Identification

from .commands import Drawn, process, run

CANDIDATE_KEYS = {
    "rank", "in_full", "individual", "probability", "score", "annotation", "photo", "name", "side",
    "matches", "inliers", "scores",
}  # fmt: skip


@pytest.mark.usefixtures("usual_features")
def test_the_right_individual_comes_first_with_its_photo(drawn: Drawn) -> None:
    query = drawn.queries[2]
    ran = run("identify", query.path, "--side", "left", "-c", drawn.catalogue, "--json")
    assert ran.code == 0
    (answer,) = ran.json["queries"]
    best = answer["candidates"][0]
    assert set(best) == CANDIDATE_KEYS
    assert (best["rank"], best["individual"], best["side"]) == (1, "Raphael", "left")
    assert best["score"] == best["scores"]["sum"]
    assert (answer["searched"], answer["left_out"]) == (2, {"other side": 2})
    each = sum(candidate["probability"] for candidate in answer["candidates"])
    rest = answer["new_probability"] + answer["unlisted_probability"]
    assert each + rest == pytest.approx(1)
    assert "drawn animals" in ran.json["calibration"]
    assert ran.json["method"] == "sift+nearest"
    assert ran.json["fingerprint"].startswith("chip.v1(")


@pytest.mark.usefixtures("usual_features")
def test_people_read_a_table_and_what_the_score_is_not(drawn: Drawn) -> None:
    ran = run("identify", drawn.queries[0].path, "--top", "1", "-c", drawn.catalogue)
    assert "1  Donatello" in ran.out
    assert "Raphael" not in ran.out, "only the first was asked for"
    assert "Searched 4 photos of 2 individuals" in ran.out
    assert "The score is the sum of match scores, not a probability" in ran.out
    assert "Probabilities are learned from drawn animals, not from your catalogue" in ran.out
    assert ran.err.endswith(
        f": resight add {drawn.queries[0].path} --individual NAME -c {drawn.catalogue}\n"
    )


def test_the_next_command_repeats_what_was_asked(drawn: Drawn) -> None:
    asked = ("--side", "left", "--box", "0,0,300,200")
    ran = run("identify", drawn.queries[0].path, *asked, "-c", drawn.catalogue)
    assert f"{drawn.queries[0].path} --individual NAME --side left --box 0,0,300,200" in ran.err
    several = run("identify", *(each.path for each in drawn.queries[:2]), "-c", drawn.catalogue)
    assert f": resight add PHOTO --individual NAME -c {drawn.catalogue}\n" in several.err


def test_what_did_not_match_is_no_ranking(drawn: Drawn, tmp_path: Path) -> None:
    Image.new("RGB", (200, 150), "gray").save(tmp_path / "blank.jpg")
    ran = run("identify", tmp_path / "blank.jpg", "-c", drawn.catalogue)
    assert ran.code == 0
    assert "next" not in ran.err, "no command to agree with"
    assert "Donatello" not in ran.out
    assert "(query has no keypoints)" in ran.out


def test_individuals_that_nothing_matched_are_counted_only(drawn: Drawn, tmp_path: Path) -> None:
    (tmp_path / "known" / "Blank").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (9, 12, 3), np.uint8)
    Image.fromarray(noise).resize((384, 288)).save(tmp_path / "known" / "Blank" / "noise.png")
    run("add", tmp_path / "known", "-c", drawn.catalogue)
    ask = ("identify", drawn.queries[0].path, "-c", drawn.catalogue, "--set", "ratio=0.5")
    shown = run(*ask, "--json").json["queries"][0]["candidates"]
    unmatched = [each["individual"] for each in shown if not each["matches"]]
    assert "Blank" in unmatched
    text = run(*ask).out
    assert "Blank" not in text
    assert f"{len(unmatched)} other individual" in text
    assert ": nothing matched" in text


def test_photos_of_the_encounter_that_is_named_are_left_out(drawn: Drawn, tmp_path: Path) -> None:
    photo = drawn.queries[1].path
    table = tmp_path / "sightings.csv"
    table.write_text(f"path,identity,encounter\n{photo.name},Donatello,dive 7\n")
    run("add", table, "--photos", photo.parent, "-c", drawn.catalogue)
    ask = ("identify", drawn.queries[0].path, "-c", drawn.catalogue, "--json")
    (answer,) = run(*ask, "--encounter", "dive 7").json["queries"]
    assert (answer["encounter"], answer["left_out"]) == ("dive 7", {"own encounter": 1})
    assert (
        "no photo in the catalogue is of an encounter 'dive 8'"
        in run(*ask, "--encounter", "dive 8").err
    )


def test_a_box_that_leaves_the_photo_is_told_with_its_size(drawn: Drawn) -> None:
    ask = ("identify", drawn.queries[0].path, "-c", drawn.catalogue, "--box")
    assert "384 x 288 pixels: only its part inside" in run(*ask, "100,100,300,100").err
    assert "warning" not in run(*ask, "84,88,300,200").err


def test_a_photo_of_nothing_is_warned_of(drawn: Drawn, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (20, 60, 90)).save(tmp_path / "water.png")
    asked = run("identify", tmp_path / "water.png", "-c", drawn.catalogue)
    assert "warning: there is nothing to see in" in asked.err
    added = run("add", tmp_path / "water.png", "-c", drawn.catalogue)
    assert "may not be identified: water.png" in added.err
    assert "nothing to see" not in run("identify", drawn.queries[0].path, "-c", drawn.catalogue).err


def test_pictures_are_png_files(drawn: Drawn, tmp_path: Path) -> None:
    ask = ("identify", drawn.queries[0].path, "-c", drawn.catalogue)
    ran = run(*ask, "--explain", tmp_path / "one.jpg")
    assert (ran.code, ran.out) == (2, "")
    assert "one.png, or a folder" in " ".join(ran.err.split())
    assert not (tmp_path / "one.jpg").exists()


def test_precision_is_that_of_each_part(drawn: Drawn) -> None:
    where = ("-c", drawn.catalogue)
    ran = run("identify", drawn.queries[0].path, *where, "--json")
    assert (ran.json["precision"], ran.json["extraction_precision"]) == (None, None)
    assert "Method sift+nearest\n" in run("identify", drawn.queries[0].path, *where).out
    told = method_note("aliked-n16+lightglue", matching="bf16", extraction="f32")
    assert told == "Method aliked-n16+lightglue: matching bf16, extraction f32"


def test_a_lost_original_is_warned_of_and_stops_no_search(drawn: Drawn) -> None:
    next((drawn.catalogue / "originals").rglob("*.jpg")).unlink()
    # New settings, so that features are made anew.
    query = ("identify", drawn.queries[0].path, "--set", "long_edge=200", "-c", drawn.catalogue)
    ran = process(*query)
    assert ran.code == 0
    assert "Searched 3 photos of 2 individuals" in ran.out
    assert "left out 1 (photo not available)" in ran.out
    (warning,) = [line for line in ran.err.splitlines() if line.startswith("warning: ")]
    assert ".jpg is left out, its original is lost or damaged" in warning
    assert "resight check" in warning


def test_an_answer_about_photos_that_are_gone_meanwhile_is_not_given(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    identify = PhotoSearch.identify

    def undone_meanwhile(search: PhotoSearch, *asked: Any, **how: Any) -> Identification:
        answer = identify(search, *asked, **how)
        run("undo", "-c", drawn.catalogue)
        return answer

    monkeypatch.setattr(PhotoSearch, "identify", undone_meanwhile)
    ran = run("identify", *(each.path for each in drawn.queries[:2]), "-c", drawn.catalogue)
    assert ran.code == 3
    assert ran.err.count("the catalogue changed meanwhile") == 1
    assert ran.err.count("No candidates") == 0
    assert ran.out.count("No candidates") == 1, "the second photo is asked about all the same"


def test_nothing_is_added(drawn: Drawn) -> None:
    before = run("log", "--json", "-c", drawn.catalogue).out
    run("identify", drawn.queries[0].path, "-c", drawn.catalogue)
    assert run("log", "--json", "-c", drawn.catalogue).out == before


def test_a_bad_photo_among_good_ones_ends_with_3_and_the_rest_is_answered(
    drawn: Drawn, tmp_path: Path
) -> None:
    folder = tmp_path / "today"
    folder.mkdir()
    shutil.copy(drawn.queries[0].path, folder / "a.jpg")
    (folder / "b.jpg").write_bytes(b"no picture")
    shutil.copy(drawn.queries[3].path, folder / "c.jpg")
    ran = run("identify", folder, "-c", drawn.catalogue, "--json")
    assert ran.code == 3
    assert [Path(each["path"]).name for each in ran.json["queries"]] == ["a.jpg", "c.jpg"]
    assert [Path(each["path"]).name for each in ran.json["failed"]] == ["b.jpg"]
    assert ran.err.startswith(f"error: {folder / 'b.jpg'}: ")


def test_a_missing_photo_is_an_error(drawn: Drawn) -> None:
    ran = run("identify", "nowhere.jpg", "-c", drawn.catalogue)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: nowhere.jpg: ")


def test_an_empty_folder_is_an_error(drawn: Drawn, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = run("identify", tmp_path / "empty", "-c", drawn.catalogue)
    assert ran.code == 1
    assert "there is no photo in" in ran.err


def test_a_photo_of_the_catalogue_does_not_find_itself(drawn: Drawn) -> None:
    photo = next((drawn.known / "Donatello").glob("*left.jpg"))
    ran = run("identify", photo, "-c", drawn.catalogue)
    assert "This photo is in the catalogue" in ran.out
    assert "side left" in ran.out, "as the catalogue knows"
    assert "left out 1 (own photo), 2 (other side)" in ran.out
    assert "resight assign" in ran.err
    (answer,) = run("identify", photo, "-c", drawn.catalogue, "--json").json["queries"]
    assert [each["individual"] for each in answer["candidates"]] == ["Raphael"]
    assert len(answer["in_catalogue"]) == 1


def test_an_empty_catalogue_is_to_be_filled_first(drawn: Drawn, tmp_path: Path) -> None:
    run("init", tmp_path / "empty")
    ran = run("identify", drawn.queries[0].path, "-c", tmp_path / "empty")
    assert (ran.code, ran.out) == (1, "")
    assert f"add photos first (`resight add PHOTOS -c {tmp_path / 'empty'}`)" in ran.err


def test_a_box_is_what_is_asked_about(drawn: Drawn) -> None:
    photo = drawn.queries[0]
    box = ",".join(str(round(value)) for value in photo.box)
    asked = ("identify", photo.path, "-c", drawn.catalogue, "--json")
    (boxed,) = run(*asked, "--box", box).json["queries"]
    (whole,) = run(*asked).json["queries"]
    assert boxed["candidates"][0]["individual"] == "Donatello"
    assert boxed["candidates"][0]["score"] != whole["candidates"][0]["score"]
    off = run(*asked, "--box", "9000,9000,10,10")
    assert off.code == 1
    assert "lies off the" in off.err


def test_one_picture_is_a_file_and_several_are_a_folder(drawn: Drawn, tmp_path: Path) -> None:
    first, second = drawn.queries[0].path, drawn.queries[2].path
    one = run("identify", first, "--explain", tmp_path / "why.png", "-c", drawn.catalogue)
    assert one.code == 0
    with Image.open(tmp_path / "why.png") as picture:
        assert picture.width == 1200
    twin = tmp_path / first.name
    shutil.copy(first, twin)
    ran = run("identify", first, second, twin, "--explain", "pictures", "-c", drawn.catalogue)
    assert ran.code == 0
    names = [path.name for path in (tmp_path / "pictures").iterdir()]
    assert len(names) == 3, "photos of one name in two folders do not share a picture"
    assert f"{first.stem}-2.png" in names


def test_a_picture_that_cannot_be_written_is_an_error_of_one_line(
    drawn: Drawn, tmp_path: Path
) -> None:
    (tmp_path / "why.png").mkdir()
    ran = run("identify", drawn.queries[0].path, "--explain", "why.png", "-c", drawn.catalogue)
    assert ran.code == 1
    assert ran.err.startswith("error: cannot write why.png: Is a directory")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("--method", "sift+neerest"), "did you mean nearest?"),
        (("--set", "max_keypoint=5"), "did you mean max_keypoints?"),
        (("--method", "aliked-n16+lightglue"), "`resight models fetch aliked-n16 "),
    ],
)
def test_what_cannot_be_done_names_the_cure(
    drawn: Drawn, arguments: tuple[str, ...], advice: str
) -> None:
    ran = run("identify", drawn.queries[0].path, "-c", drawn.catalogue, *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: ")
    assert advice in ran.err


def test_evaluate_writes_the_figures(drawn: Drawn, tmp_path: Path) -> None:
    ran = run("evaluate", _protocol(drawn, tmp_path), "--photos", "/", "--json", "out.json")
    assert ran.code == 0, ran.err
    report = json.loads((tmp_path / "out.json").read_text())
    (method,) = report["methods"]
    assert (report["gallery"], report["queries"], report["novel_queries"]) == (4, 6, 2)
    assert (method["name"], method["top1"], method["side_policy"]) == (
        "sift+nearest",
        1.0,
        "compatible",
    )
    assert "4 of 4  100.0 %" in ran.out
    assert "Missed" not in ran.out


def test_many_methods_have_a_row_each(drawn: Drawn, tmp_path: Path) -> None:
    names = [f"{extractor}+nearest" for extractor in ("sift", "orb", "fast_brief", "harris_sift")]
    chosen = [each for name in names for each in ("--method", name)]
    ran = run("evaluate", _protocol(drawn, tmp_path), "--photos", "/", *chosen)
    rows = {line.split()[0]: line for line in ran.out.splitlines() if line[:1].isalpha()}
    assert [name for name in rows if name in names] == names
    assert "100.0 %" in rows["sift+nearest"]


def test_evaluate_lists_what_was_missed(drawn: Drawn, tmp_path: Path) -> None:
    protocol = _protocol(drawn, tmp_path)
    swapped = {"Donatello": "Raphael", "Raphael": "Donatello"}
    lines = protocol.read_text().splitlines()
    for number, line in enumerate(lines):
        path, role, identity, *rest = line.split(",")
        if role == "query":
            rest[1] = f"{identity} misnamed"
            lines[number] = ",".join([path, role, swapped.get(identity, identity), *rest])
    protocol.write_text("\n".join(lines))
    ran = run("evaluate", protocol, "--photos", "/")
    assert ran.code == 0, ran.err
    assert "0 of 4    0.0 %" in ran.out
    missed = ran.out.partition("Missed by sift+nearest:")[2]
    assert missed.count("rank 2") == 4
    assert str(drawn.queries[0].path)[1:] in missed
    more = ("orb+nearest", "fast_brief+nearest", "harris_sift+nearest")
    chosen = [each for name in ("sift+nearest", *more) for each in ("--method", name)]
    assert "Missed" not in run("evaluate", protocol, "--photos", "/", *chosen).out


def test_evaluate_says_what_it_goes_on_from_and_what_it_replaces(
    drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("evaluate", _protocol(drawn, tmp_path), "--photos", "/", "--json", "out.json")
    with monkeypatch.context() as interrupted:
        interrupted.setattr("resight.evaluate.journal.Journal.remove", lambda _: None)
        assert "kept" not in run(*command).err
    again = run(*command).err
    assert "6 queries kept from out.json.partial" in again
    assert "out.json is of an earlier run: it is replaced" in again
    assert "out.json is of an earlier run: all is measured again, and then" in run(*command).err


def test_evaluate_stopped_at_its_page_says_that_all_is_measured(
    drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("resight.report.write_report", stopped)
    ran = run("evaluate", _protocol(drawn, tmp_path), "--photos", "/", "--report", "page")
    assert ran.code == 130
    assert "all is measured and in page/report.json; the page is not written" in ran.err
    assert (tmp_path / "page" / "report.json").is_file()


def test_evaluate_takes_side_limit_method_and_settings(drawn: Drawn, tmp_path: Path) -> None:
    options = ("--side", "any", "--limit", "2", "--method", "sift+nearest")
    ran = run(
        *("evaluate", _protocol(drawn, tmp_path), "--photos", "/", "--json", "out.json"),
        *options,
        *("--set", "max_keypoints=64"),
    )
    assert ran.code == 0, ran.err
    report = json.loads((tmp_path / "out.json").read_text())
    (method,) = report["methods"]
    assert report["queries"] == 2
    assert method["side_policy"] == "any"
    assert method["settings"]["max_keypoints"] == 64


def test_evaluate_refuses_photos_that_are_not_there(drawn: Drawn, tmp_path: Path) -> None:
    ran = run("evaluate", _protocol(drawn, tmp_path), "--photos", tmp_path / "nowhere")
    assert ran.code == 1
    assert "Give the folder that their paths start from" in ran.err


def test_evaluate_writes_a_report_and_the_figures_beside_it(drawn: Drawn, tmp_path: Path) -> None:
    ran = run("evaluate", _protocol(drawn, tmp_path), "--photos", "/", "--report", "it")
    assert ran.code == 0, ran.err
    page = (tmp_path / "it" / "report.html").read_text(encoding="utf-8")
    assert "Identification on protocol" in page
    assert "sift+nearest" in page
    assert json.loads((tmp_path / "it" / "report.json").read_text())["queries"] == 6
    assert ran.err.endswith(f"wrote {Path('it/report.json')}\nwrote {Path('it/report.html')}\n")
    ran = run(
        *("evaluate", _protocol(drawn, tmp_path), "--photos", "/"),
        *("--json", "own.json", "--report", "other"),
    )
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["report.html"]
    assert (tmp_path / "own.json").exists()


def test_compare_tells_what_is_more_than_chance(drawn: Drawn, tmp_path: Path) -> None:
    common = ("evaluate", _protocol(drawn, tmp_path), "--photos", "/")
    assert run(*common, "--json", "a.json").code == 0
    assert run(*common, "--json", "b.json", "--set", "max_keypoints=8").code == 0
    ran = run("compare", "a.json", "b.json")
    assert ran.code == 0, ran.err
    assert "Reference: a.json: sift+nearest, normal, compatible" in ran.out
    assert "6 common queries, 4 of known animals" in ran.out
    assert "Top 1" in ran.out
    assert "may be chance" in ran.out
    (found,) = run("compare", "a.json", "b.json", "--json").json
    assert found["known"] == 4
    assert [each["figure"] for each in found["differences"]] == [
        *("top1", "top3", "top5", "mrr"),
        "novelty_auroc",
    ]


def test_compare_needs_two_methods(drawn: Drawn, tmp_path: Path) -> None:
    command = ("evaluate", _protocol(drawn, tmp_path), "--photos", "/", "--json", "a.json")
    assert run(*command).code == 0
    ran = run("compare", "a.json")
    assert ran.code == 2
    assert "a.json has 1 method" in ran.err
    (tmp_path / "notes.json").write_text("{}")
    ran = run("compare", "a.json", "notes.json")
    assert ran.code == 1
    assert ran.err.startswith("error: notes.json is not what `resight evaluate --json`")


def _protocol(drawn: Drawn, folder: Path) -> Path:
    path = folder / "protocol.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "role", "identity", "side", "encounter", "date", *"xywh"])
        for photo in sorted(drawn.known.rglob("*.jpg")):
            side = photo.stem.rpartition("-")[2]
            row = [str(photo)[1:], "gallery", photo.parent.name, side, f"{photo.parent.name}-1"]
            table.writerow([*row, *[""] * 5])
        for query in drawn.queries:
            row = [str(query.path)[1:], "query", query.individual, query.side, query.encounter]
            table.writerow([*row, *[""] * 5])
    return path


@pytest.mark.parametrize(
    ("effort", "shortlisted", "told"),
    [
        ("normal", 80, True),
        ("normal", 24, False),
        ("normal", 4, False),
        ("thorough", 90, False),
        ("quick", 90, False),
    ],
)
def test_a_further_look_is_told_of(effort: str, shortlisted: int, told: bool) -> None:
    answer = Identification(
        candidates=(),
        method="sift+nearest",
        fingerprint="",
        score="sum",
        side="left",
        side_policy="same",
        effort=effort,
        searched=90,
        shortlisted=shortlisted,
        half_matched=shortlisted,
        matched=3,
    )
    assert ("No animal stood out at first" in searched(answer)) is told


def test_an_effort_that_turns_every_query_gives_no_reason_for_it() -> None:
    answer = Identification(
        candidates=(), method="sift+nearest", fingerprint="", score="sum", side="left",
        side_policy="same", effort="thorough", searched=90, shortlisted=90, half_matched=90,
        matched=20, turned=40,
    )  # fmt: skip
    assert ": 90 by the network, 20 matched in full. The photo was tried turned as well" in (
        searched(answer)
    )


def test_a_method_of_whole_photos_counts_no_matches(drawn: Drawn, tmp_path: Path) -> None:
    asked = ("-c", drawn.catalogue, "--method", "thumbnail+ssim", "--explain", tmp_path / "a.png")
    ran = run("identify", drawn.queries[0].path, *asked)
    assert ran.code == 0
    assert "how alike the photos are as wholes, from 0 to 1, not a probability" in ran.out
    assert "Searched 4 photos of 2 individuals" in ran.out
    assert "Matches" not in ran.out
    assert "Inliers" not in ran.out
    ran = run("identify", drawn.queries[0].path, *asked, "--json")
    (answer,) = ran.json["queries"]
    best = answer["candidates"][0]
    assert (best["matches"], best["inliers"], answer["matched"]) == (None, None, 4)
    assert 0 < best["score"] <= 1


def test_a_report_without_methods_is_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text('{"query_rows": [], "methods": []}')
    ran = run("compare", path)
    assert ran.code == 2
    assert "empty.json has 0 methods" in ran.err


def test_the_protocol_is_not_replaced_by_the_report(drawn: Drawn, tmp_path: Path) -> None:
    protocol = _protocol(drawn, tmp_path)
    before = protocol.read_bytes()
    ran = run("evaluate", protocol, "--photos", "/", "--json", protocol)
    assert ran.code == 2
    assert "names the protocol itself" in ran.err
    assert protocol.read_bytes() == before


def test_a_folder_whose_name_is_no_utf8_can_be_evaluated(drawn: Drawn, tmp_path: Path) -> None:
    photos = tmp_path / os.fsdecode(b"ph\xe9")
    photos.symlink_to("/")
    written = tmp_path / "out.json"
    ran = run("evaluate", _protocol(drawn, tmp_path), "--photos", photos, "--json", written)
    assert ran.code == 0, ran.err
    assert json.loads(written.read_bytes())["photos"] == str(photos)


@pytest.mark.usefixtures("usual_features")
def test_photos_of_one_animal_get_one_answer_as_well(drawn: Drawn) -> None:
    photos = [drawn.queries[0].path, drawn.queries[1].path]
    ran = run("identify", *photos, "--together", "--top", "1", "-c", drawn.catalogue, "--json")
    together = ran.json["together"]
    (best,) = together["candidates"]
    alone = [answer["candidates"] for answer in ran.json["queries"]]
    assert best["individual"] == "Donatello"
    assert best["score"] == pytest.approx(np.mean([each[0]["score"] for each in alone]))
    assert best["query"] in map(str, photos)
    assert together["combined"].startswith("mean of the probabilities of 2 photos")
    said = run("identify", *photos, "--together", "-c", drawn.catalogue).out
    assert "All photos together, if they show one animal: mean of" in said


def test_a_photo_alone_is_not_told_twice(drawn: Drawn, tmp_path: Path) -> None:
    photo = drawn.queries[0].path
    assert "together" not in run("identify", photo, "--together", "-c", drawn.catalogue).out
    several = (photo, tmp_path / "broken.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    ran = run("identify", *several, "--together", "-c", drawn.catalogue, "--json")
    assert ran.code == 3
    assert ran.json["together"]["combined"] == "one photo was asked about"


def test_of_photos_that_all_fail_nothing_is_told_together(drawn: Drawn, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"no photo")
    ran = run("identify", tmp_path, "--together", "-c", drawn.catalogue, "--json")
    assert ran.json["together"] is None


def test_originals_of_a_catalogue_below_a_folder_are_not_asked_about(drawn: Drawn) -> None:
    assert drawn.catalogue.parent not in (drawn.known, *drawn.known.parents)
    photo = shutil.copy(drawn.queries[0].path, drawn.catalogue.parent / "new.jpg")
    ran = run("identify", drawn.catalogue.parent, "-c", drawn.catalogue, "--json")
    assert [answer["path"] for answer in ran.json["queries"]] == [str(photo)]
    assert f"{drawn.catalogue} is left out: it is a resight catalogue" in ran.err


def test_a_photo_in_a_mirror_meets_the_other_side(drawn: Drawn, tmp_path: Path) -> None:
    known = next(drawn.known.rglob("*Donatello*/*left*"))
    photo = tmp_path / "new.png"
    with Image.open(known) as left:
        ImageOps.mirror(left).save(photo)
    asked = ("identify", photo, "--side", "right", "--mirror", "-c", drawn.catalogue)
    ran = run(*asked, "--explain", tmp_path / "why.png", "--json")
    (answer,) = ran.json["queries"]
    seen = answer["mirrored"]
    assert (answer["side"], seen["side"]) == ("right", "left")
    best = seen["candidates"][0]
    assert best["individual"] == "Donatello"
    assert best["score"] > 2 * answer["candidates"][0]["score"], "as the left photo itself"
    assert best["probability"] is None
    assert seen["new_probability"] is None
    for picture in (answer["picture"], seen["picture"]):
        with Image.open(picture) as drawing:
            assert drawing.width == 1200
    assert seen["picture"].endswith("why-mirror.png")
    said = run(*asked).out
    assert "new.png   in a mirror, as side left" in said
    assert "No probabilities for this photo: nothing is learned about photos in a mirror." in said
