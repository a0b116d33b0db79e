"""`resight --server URL`: commands at a desk that runs as people run it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from PIL import Image

from .commands import Drawn, environment, run


@pytest.fixture(scope="module")
def folder(_drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(_drawn.catalogue, tmp_path_factory.mktemp("desk") / "catalogue"))


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[str]:
    """The address of a desk over the drawn catalogue, for this machine alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quick = ("method=sift+nearest", "segment=none", "contrast=none", "long_edge=320")
    command = [sys.executable, "-m", "resight", "serve", "--port", str(port), "-c", str(folder)]
    with subprocess.Popen(
        [*command, *(word for each in quick for word in ("--set", each))],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urlopen(f"{address}/api/v1/session", timeout=10).close()
                break
            except URLError:
                time.sleep(0.1)
        yield address
        process.terminate()


def test_a_folder_named_like_an_encounter_is_not_put_in(
    desk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dive 7").mkdir()
    monkeypatch.chdir(tmp_path)
    asked = run("--server", desk, "identify", "dive 7")
    assert asked.code != 0
    assert "no encounter" in asked.err


def test_individuals_and_decisions_are_listed_as_here(desk: str, folder: Path) -> None:
    there, here = run("--server", desk, "log"), run("log", "-c", folder)
    assert (there.code, there.err) == (0, "")
    assert there.out == here.out
    told, known = (
        run(*where, "list", "--json").json["individuals"]
        for where in (("--server", desk), ("-c", folder))
    )
    alone = {"encounters": 2}  # the desk counts a photo of no encounter as one
    assert told == [{**each, **alone} for each in known]
    found = run("--server", desk, "list", "--find", "rapha")
    assert found.out.endswith("1 individual, 2 photos\n")


def test_a_photo_is_sent_asked_about_and_exported(desk: str, drawn: Drawn, tmp_path: Path) -> None:
    photo, bad = drawn.queries[0].path, tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    added = run("--server", desk, "add", photo, bad, "--side", "left", "--place", "Reef")
    assert added.code == 3
    assert "1 added" in added.out
    assert "bad.jpg" in added.err
    again: Any = run("--server", desk, "add", photo, "--json").json["outcomes"][0]
    assert again["status"] == "already"

    asked = run("--server", desk, "identify", again["annotation"], "no such encounter")
    assert asked.code == 3
    assert "Donatello" in asked.out
    assert "no such encounter" in asked.err
    by_file = run("--server", desk, "identify", photo, "--json").json["answers"]
    assert by_file[0]["annotations"] == [again["annotation"]]
    assert by_file[0]["candidates"][0]["individual"] == "Donatello"

    table = tmp_path / "all.csv"
    assert run("--server", desk, "export", table).code == 0
    assert "Donatello" in table.read_text(encoding="utf-8")
    assert run("--server", desk, "export", table).code == 1

    histories = tmp_path / "all.inp"
    assert run("--server", desk, "export", histories).code == 0
    assert histories.read_text(encoding="utf-8").startswith("/*")
    assert (tmp_path / "all-occasions.csv").exists()

    decision = run("--server", desk, "log", "--json").json["decisions"][0]["id"]
    undone = run("--server", desk, "undo", decision)
    assert undone.out == f"Decision {decision + 1}: took back {decision}\n"


def test_a_file_that_cannot_be_sent_is_bad_and_the_rest_goes_on(desk: str, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    for name in ("1.jpg", "3.jpg"):
        Image.effect_noise((64, 64), 90).convert("RGB").save(folder / name)
    (folder / os.fsdecode(b"2\xff.jpg")).write_bytes(b"x")
    added = run("--server", desk, "add", folder)
    assert added.code == 3
    assert "2 added" in added.out
    assert "cannot be sent" in added.err


@pytest.mark.parametrize("token", ["tökén", "a\nb"])
def test_what_is_no_token_is_refused_unseen(
    desk: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESIGHT_TOKEN", token)
    ran = run("--server", desk, "list")
    assert (ran.code, token in ran.err) == (2, False)


def test_what_only_works_here_is_refused(desk: str, drawn: Drawn) -> None:
    for words in (("backup", "b.zip"), ("prepare",)):
        ran = run("--server", desk, *words)
        assert ran.code == 2
        assert "works on a catalogue of this computer only" in " ".join(
            ran.err.replace("│", " ").split()
        )
    assert run("--server", desk, "-c", drawn.catalogue, "list").code == 2
    assert run("--server", "desk.example", "list").code == 2
    assert run("--server", desk, "list", "--unknown").code == 2, "the desk has no such list"


def test_a_desk_that_does_not_answer_or_knows_nobody_is_said(
    desk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        ran = run("--server", nobody, "list")
    assert ran.code == 1
    assert "cannot be reached" in ran.err
    monkeypatch.setenv("RESIGHT_TOKEN", "resight_wrong")
    refused = run("--server", desk, "list")
    assert refused.code == 1
    assert "into RESIGHT_TOKEN" in refused.err


def test_a_table_is_looked_at_put_in_and_taken_back_there(
    desk: str, drawn: Drawn, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(drawn.queries[1].path, photos / "a.jpg")
    small = Image.open(next(drawn.known.rglob("*.jpg")))
    small.resize((small.width // 2, small.height // 2)).save(photos / "copy.jpg")
    table = tmp_path / "seen.csv"
    rows = ("a.jpg,Shredder,5/7/2024", "copy.jpg,,6/7/2024", "gone.jpg,Krang,7/7/2024")
    table.write_text("\n".join(("path,Turtle,date", *rows)) + "\n")
    words = ("add", table, "--photos", photos, "--map", "identity=Turtle")

    asked = run("--server", desk, *words, "--dry-run")
    assert "--dates day-first or --dates month-first" in asked.err
    said = (*words, "--dates", "day-first")
    before = run("--server", desk, "log").out
    looked = run("--server", desk, *said, "--dry-run")
    assert looked.code == 3
    assert "2 would be added" in looked.out
    assert "1 individual, 1 new: Shredder (1); 1 photo without a name" in looked.out
    assert "line 4 (gone.jpg): its photo is not there" in " ".join(looked.err.split())
    assert "looks like" in looked.err, "which photo of the catalogue the copy is of"
    assert run("--server", desk, "log").out == before

    done = run("--server", desk, *said, "--json")
    assert done.code == 3
    assert done.json["counts"]["added"] == 2
    (decision,) = done.json["decisions"]
    assert "Shredder" in run("--server", desk, "list").out
    assert run("--server", desk, "undo", decision).code == 0
    assert "Shredder" not in run("--server", desk, "list").out


def test_a_column_that_was_chosen_is_no_longer_what_the_desk_guesses(
    desk: str, drawn: Drawn, tmp_path: Path
) -> None:
    shutil.copy(drawn.queries[1].path, tmp_path / "a.jpg")
    table = tmp_path / "seen.csv"
    table.write_text("file,name,mark\na.jpg,Coral Cove,Shredder\n")
    chosen = ("--map", "path=file", "--map", "place=name", "--map", "identity=mark")
    looked = run("--server", desk, "add", table, "--photos", tmp_path, *chosen, "--dry-run")
    assert (looked.code, looked.err) == (0, "")
    assert "1 would be added" in looked.out


def test_photos_that_are_sent_together_are_taken_back_together(
    desk: str, drawn: Drawn, tmp_path: Path
) -> None:
    for number, side in enumerate((160, 200)):
        Image.open(drawn.queries[2].path).resize((side, 90)).rotate(90 * number).save(
            tmp_path / f"{number}.png"
        )
    sent = run("--server", desk, "add", tmp_path / "0.png", tmp_path / "1.png", "--json")
    decisions = {each["decision"] for each in sent.json["outcomes"]}
    assert len(decisions) == 1
    assert run("--server", desk, "undo", decisions.pop()).code == 0
    again = run("--server", desk, "add", tmp_path / "1.png", "--dry-run")
    assert again.code == 2
    assert "are for a table" in " ".join(again.err.replace("│", " ").split())
