"""Commands that name what in a catalogue may be wrong, and which photos are wanted."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from resight.suspicions import Duplicate, Mixup, Pair, Suspicions

from .commands import Drawn, run


def test_doubts_need_probabilities(drawn: Drawn) -> None:
    options = ("--set=max_keypoints=99", "--method=sift+nearest", "--effort=quick")
    ran = run("doubts", "-c", drawn.catalogue, *options)
    assert ran.code == 1
    assert f"resight calibrate {' '.join(options)} -c {drawn.catalogue}" in ran.err


def test_a_catalogue_without_mistakes_looks_right(drawn: Drawn, usual_features: None) -> None:
    ran = run("doubts", "-c", drawn.catalogue)
    assert ran.code == 0, ran.err
    assert "4 photos compared" in ran.out
    assert "drawn animals" in ran.out
    assert "Nothing looks wrong." in ran.out, ran.out


def test_what_looks_wrong_is_listed_with_what_to_do(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = run("show", "Donatello", "-c", drawn.catalogue, "--json").json["annotations"]
    first, second = (each["id"] for each in listed)

    def found(*_: Any, **__: Any) -> Suspicions:
        return Suspicions(
            (Duplicate("Donatello", "Raphael", 0.93, (Pair(first, second, 0.93),)),),
            (Mixup("Donatello", (second,), 0.85, "", 3),),
            asked=4,
            basis="learned from nothing",
        )

    monkeypatch.setattr("resight.suspicions.find_suspicions", found)
    ran = run("doubts", "-c", drawn.catalogue)
    assert ran.code == 0
    assert "Donatello | Raphael" in ran.out
    assert "nobody here" in ran.out
    assert f"resight assign Raphael --to Donatello -c {drawn.catalogue}\n" in ran.err
    as_json = run("doubts", "-c", drawn.catalogue, "--json").json
    doubt = as_json["duplicates"][0]["id"]
    assert ran.err.endswith(f"resight dismiss {doubt} -c {drawn.catalogue}\n")
    assert as_json["mixups"][0]["id"] in ran.out
    assert as_json["duplicates"][0]["pairs"][0]["query"] == first
    assert as_json["mixups"][0]["annotations"] == [second]


def test_a_doubt_is_dismissed_once(drawn: Drawn) -> None:
    shown = [
        run("show", name, "-c", drawn.catalogue, "--json") for name in ("Donatello", "Raphael")
    ]
    first, second = (each.json["annotations"][0]["id"] for each in shown)
    doubt = Duplicate("Donatello", "Raphael", 0.93, (Pair(first, second, 0.93),))
    kept = {"format": "suspicions.v1", **asdict(Suspicions((doubt,), ()))}
    (drawn.catalogue / "features").mkdir(exist_ok=True)
    (drawn.catalogue / "features" / "suspicions.json").write_text(json.dumps(kept))
    ran = run("dismiss", doubt.id, "--note", "other scars", "-c", drawn.catalogue)
    assert (ran.code, ran.err) == (0, "")
    assert "other scars" in ran.out
    again = run("dismiss", doubt.id, "-c", drawn.catalogue)
    assert again.code == 1
    assert f"no suspicion '{doubt.id}' stands" in again.err


def test_of_few_photos_none_is_weak(drawn: Drawn) -> None:
    ran = run("weakest", "-c", drawn.catalogue)
    assert (ran.code, ran.out) == (0, "None of 4 photos is weak.\n")


def test_a_blurred_photo_is_warned_of_and_wanted_anew(drawn: Drawn, tmp_path: Any) -> None:
    source = Image.open(drawn.queries[0].path)
    folder = tmp_path / "more"
    for number in range(20):
        (folder / f"Turtle {number}").mkdir(parents=True)
        shifted = Image.fromarray(np.roll(np.asarray(source), number, axis=1))
        if number == 7:
            shifted = shifted.filter(ImageFilter.GaussianBlur(6))
        shifted.save(folder / f"Turtle {number}" / f"{number}.png")
    added = run("add", folder, "-c", drawn.catalogue)
    assert "warning: 1 photo with less than half of the usual detail" in added.err
    assert "7.png" in added.err
    ran = run("weakest", "-c", drawn.catalogue)
    assert ran.out.startswith("1 photo would help")
    assert "Turtle 7" in ran.out
    assert run("weakest", "-c", drawn.catalogue, "--json").json["weakest"][0]["side"] == "unknown"


def test_a_copy_of_a_photo_that_is_there_is_named(drawn: Drawn, tmp_path: Any) -> None:
    known = next(drawn.known.rglob("*.jpg"))
    photo = Image.open(known)
    photo.resize((photo.width // 2, photo.height // 2)).save(tmp_path / "small.jpg")
    features = drawn.catalogue / "features" / "looks.v1.txt"
    features.unlink()  # as in a catalogue of an older version
    words = ("add", tmp_path / "small.jpg", "-c", drawn.catalogue)
    for more in ("--dry-run",), ():
        ran = run(*words, *more)
        assert ran.code == 0
        assert f"small.jpg looks like {known.parent.name}/{known.name} ({known.parent.name})" in (
            " ".join(ran.err.split())
        )
    assert "looks like" not in run(*words).err, "it is there already"
