"""`resight detect`: boxes, the table for `resight add`, and pictures."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from .commands import Drawn, run

pytestmark = pytest.mark.usefixtures("usual_features")


def test_the_table_it_writes_is_one_that_add_takes(drawn: Drawn, tmp_path: Path) -> None:
    folder, table = drawn.queries[0].path.parents[1], tmp_path / "boxes.csv"
    ran = run("detect", *(each.path for each in drawn.queries), "--csv", table, "--json")
    assert ran.code == 0, ran.err
    found = {each["path"]: each["boxes"] for each in ran.json["photos"]}
    assert list(found) == [str(each.path) for each in drawn.queries]
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert [row["path"] for row in rows if row["x"]]

    added = run("add", table, "--photos", folder, "-c", drawn.catalogue, "--json")
    assert added.json["counts"]["added"] == len(rows), added.err
    listed = run("list", "--unknown", "-c", drawn.catalogue, "--json")
    assert listed.code == 0, listed.err


def test_a_bad_photo_is_named_and_the_others_are_boxed(drawn: Drawn, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    ran = run("detect", bad, drawn.queries[0].path, "--json")
    assert ran.code == 3
    assert "bad.jpg" in ran.err
    assert [each["path"] for each in ran.json["photos"]] == [str(drawn.queries[0].path)]
    assert [each["path"] for each in ran.json["failed"]] == [str(bad)]


def test_pictures_show_the_boxes(drawn: Drawn, tmp_path: Path) -> None:
    photo = drawn.queries[0].path
    ran = run("detect", photo, "--draw", tmp_path / "boxes")
    assert ran.code == 0, ran.err
    with Image.open(tmp_path / "boxes" / f"{photo.name}.png") as picture:
        colours = {colour for _, colour in picture.getcolors(1 << 20) or []}
    assert (255, 214, 10) in colours


def test_boxes_less_sure_than_asked_are_left_out(drawn: Drawn, tmp_path: Path) -> None:
    photo, table = drawn.queries[0].path, tmp_path / "boxes.csv"
    ran = run("detect", photo, "--least", 1, "--csv", table)
    assert ran.code == 0
    assert "none on 1 other" in ran.out
    assert table.read_text(encoding="utf-8").splitlines()[1:] == [f"{photo.name},,,,,,"]


def test_a_detector_that_is_none_is_refused(drawn: Drawn, tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_text("none")
    ran = run("detect", drawn.queries[0].path, "--detector", tmp_path / "mine.onnx")
    assert ran.code == 1
    assert "mine.onnx is no ONNX file" in ran.err


def test_identify_asks_about_the_box_that_is_found(drawn: Drawn) -> None:
    photo = drawn.queries[0].path
    (found,) = run("detect", photo, "--json").json["photos"][0]["boxes"]
    ran = run("identify", photo, "--detector", "salient", "-c", drawn.catalogue)
    assert ran.code == 0, ran.err
    assert f"asked about the box {','.join(f'{side:g}' for side in found['box'])}" in ran.err
    assert "Donatello" in ran.out
    both = run(
        "identify", photo, "--detector", "salient", "--box", "1,2,3,4", "-c", drawn.catalogue
    )
    assert both.code == 2
    assert "give one" in both.err


def test_a_catalogue_without_boxes_teaches_nothing(drawn: Drawn) -> None:
    ran = run("detect", drawn.queries[0].path, "--detector", "catalogue", "-c", drawn.catalogue)
    assert ran.code == 1
    assert "too few to learn from" in ran.err


def test_photos_are_added_with_the_boxes_that_are_found(drawn: Drawn) -> None:
    photo = drawn.queries[0].path
    (found,) = run("detect", photo, "--json").json["photos"][0]["boxes"]
    add = ("add", photo, "--detect", "salient", "-c", drawn.catalogue, "--json")
    tried = run(*add, "--dry-run")
    assert "boxes found on photos: 1 on 1; nobody has looked at them" in tried.err
    added = run(*add)
    assert added.json["counts"]["added"] == 1, added.err
    (shown,) = run("show", photo, "-c", drawn.catalogue, "--json").json["annotations"]
    assert shown["box"] == found["box"]
    again = run(*add)
    assert again.json["counts"]["already"] == 1
    assert "boxes found" not in again.err, "people may have corrected the box of a known photo"
