"""`resight export`, `merge`, `crop`, `bundle`, and `add` of what other programs write."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from resight import bundle

from .commands import Drawn, run


def test_the_suffix_says_the_format(drawn: Drawn, tmp_path: Path) -> None:
    for name, begins in (("t.csv", b"\xef\xbb\xbfpath,"), ("t.json", b"{"), ("t.xlsx", b"PK")):
        ran = run("export", tmp_path / name, "-c", drawn.catalogue)
        assert ran.code == 0, ran.err
        assert ran.out == f"Wrote {tmp_path / name}: 4 annotations of 2 individuals\n"
        assert "places are rounded to 0.1 degree" in ran.err
        assert (tmp_path / name).read_bytes().startswith(begins)
    ran = run("export", tmp_path / "t.inp", "-c", drawn.catalogue)
    assert (tmp_path / "t.inp").read_text() == "/* Donatello */ 1 1;\n/* Raphael */ 1 1;\n"
    ran = run("export", tmp_path / "t.txt", "-c", drawn.catalogue)
    assert (ran.code, ran.out) == (1, "")
    assert "error: t.txt does not say in which format: name one of csv, json, mark" in ran.err


def test_an_export_is_added_to_another_catalogue(drawn: Drawn, tmp_path: Path) -> None:
    ran = run("export", tmp_path / "out", "--format", "csv", "--photos", "-c", drawn.catalogue)
    assert "4 annotations of 2 individuals with 4 photos" in ran.out
    run("init", tmp_path / "other")
    ran = run("add", tmp_path / "out" / "out.csv", "-c", tmp_path / "other", "--json")
    assert ran.json["counts"]["added"] == 4
    assert ran.json["columns"]["identity"] == "identity"
    assert ran.json["warnings"] == []


def test_columns_are_named_and_shown(drawn: Drawn, tmp_path: Path) -> None:
    photo = drawn.queries[0].path
    table = tmp_path / "sightings.csv"
    table.write_text(f"Foto;Turtle\n{photo.name};Leonardo\n")
    arguments = ("add", table, "--photos", photo.parent, "-c", drawn.catalogue, "--dry-run")
    ran = run(*arguments)
    assert ran.code == 1
    assert "has no column 'path'" in ran.err
    assert "say which with `--map path=" in ran.err
    table.write_text(f"Photo file;Turtle\n{photo.name};Leonardo\n")
    ran = run(*arguments)
    assert "say which with `--map 'path=photo file'`" in ran.err
    ran = run(*arguments, "--map", "path=photo file")
    assert "'turtle' (meant 'identity'?)" in ran.err
    table.write_text(f"Foto;Turtle\n{photo.name};Leonardo\n")
    ran = run(*arguments, "--map", "path=Foto", "--map", "identity=turtle")
    assert ran.code == 0
    assert "columns: path from 'Foto', identity from 'Turtle'" in ran.err
    assert "1 individual, 1 new: Leonardo (1)" in ran.out


def test_the_order_of_dates_is_asked_for_and_told(drawn: Drawn, tmp_path: Path) -> None:
    photo = drawn.queries[0].path
    table = tmp_path / "sightings.csv"
    table.write_text(f"path,date\n{photo.name},5/7/2024\n")
    arguments = ("add", table, "--photos", photo.parent, "-c", drawn.catalogue, "--dry-run")
    ran = run(*arguments)
    assert ran.code == 1
    assert "5/7/2024 may be 5 July 2024 or 7 May 2024" in ran.err
    assert "choose one: --dates day-first or --dates month-first" in ran.err
    ran = run(*arguments, "--dates", "day-first", "--json")
    assert ran.json["outcomes"][0]["date"] == "2024-07-05"
    assert "unknown order of dates 'dmy'" in run(*arguments, "--dates", "dmy").err
    ran = run("add", photo, "--dates", "day-first", "-c", drawn.catalogue)
    assert "an order of dates is for a table with a column of dates" in ran.err


def test_encounters_are_told_and_kept(drawn: Drawn, tmp_path: Path) -> None:
    run("init", tmp_path / "it")
    ran = run("add", drawn.known, "--encounters", "30", "-c", tmp_path / "it")
    assert "4 photos are put into 2 encounters" in ran.err
    listed = run("list", "-c", tmp_path / "it", "--json").json["individuals"]
    assert [each["encounters"] for each in listed] == [1, 1]


@pytest.fixture
def theirs(drawn: Drawn, tmp_path: Path) -> Path:
    """A colleague's copy of the catalogue, with a photo more and another opinion."""
    copy = tmp_path / "theirs"
    shutil.copytree(drawn.catalogue, copy)
    run("add", drawn.queries[-1].path, "--individual", "Michelangelo", "--by", "Bo", "-c", copy)
    run("assign", "Raphael", "--to", "Raffael", "--by", "Bo", "-c", copy)
    return copy


def test_two_catalogues_are_merged(drawn: Drawn, theirs: Path) -> None:
    run("assign", "Raphael", "--to", "Raphaela", "-c", drawn.catalogue)
    dry = run("merge", theirs, "--dry-run", "-c", drawn.catalogue)
    assert "1 annotation would be added" in dry.out
    assert dry.code == 3
    ran = run("merge", theirs, "-c", drawn.catalogue, "--json")
    assert ran.code == 3
    assert (ran.json["added"], ran.json["history"]) == (1, 2)
    conflicts = {(each["ours"], each["theirs"]) for each in ran.json["conflicts"]}
    assert conflicts == {("Raphaela", "Raffael")}
    shown = run("show", "Michelangelo", "-c", drawn.catalogue).out
    assert "In other catalogues, before they were merged:" in shown
    assert "Bo" in shown
    run("assign", "Raphaela", "--to", "Raffael", "-c", drawn.catalogue)
    ran = run("merge", theirs, "-c", drawn.catalogue)
    assert (ran.code, "Nothing to take over" in ran.out) == (0, True)
    assert run("undo", ran_decision(drawn), "-c", drawn.catalogue).code == 0
    assert run("show", "Michelangelo", "-c", drawn.catalogue).code == 1


def ran_decision(drawn: Drawn) -> int:
    log = run("log", "-c", drawn.catalogue, "--json").json["decisions"]
    return next(int(each["id"]) for each in log if each["kind"] == "merge")


def test_merging_individuals_is_another_command(drawn: Drawn) -> None:
    ran = run("merge", "Donatello", "-c", drawn.catalogue)
    assert ran.code == 2
    assert "OTHER-NAME" in ran.err


def test_chips_are_written(drawn: Drawn, tmp_path: Path) -> None:
    ran = run("crop", tmp_path / "chips", "Raphael", "-c", drawn.catalogue, "--set", "long_edge=64")
    assert ran.code == 0
    with (tmp_path / "chips" / "chips.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {row["identity"] for row in rows} == {"Raphael"}
    assert {(row["width"], row["height"]) for row in rows} == {("64", "48")}
    assert (tmp_path / "chips" / rows[0]["chip"]).is_file()
    assert run("crop", tmp_path / "more", "--masks", "-c", drawn.catalogue).code == 2


def test_a_bundle_is_packed(drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(
        _source: str, wheels: Path
    ) -> tuple[str, ...]:  # of real ones there is half a gigabyte
        (wheels / "resight-9.1-py3-none-any.whl").write_bytes(b"wheel")
        return ()

    monkeypatch.setattr(bundle, "_download", download)
    monkeypatch.setattr("resight.models.DEFAULT_WEIGHTS", ())
    ran = run("bundle", tmp_path / "b", "-c", drawn.catalogue)
    assert ran.code == 0, ran.err
    assert "1 wheel, 0 weights files, 4 photos" in ran.out
    assert f"sh {tmp_path / 'b' / 'install.sh'}" in ran.err
    again = run("bundle", tmp_path / "b2", "--program-only", "-c", drawn.catalogue, "--json")
    assert again.json["photos"] == 0
    json.dumps(again.json)
