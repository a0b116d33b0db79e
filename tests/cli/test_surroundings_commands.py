"""Settings, weights, doctor, demo, and what is true of every command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from resight.cli import app
from resight.cli.output import Column, Output
from resight.models import WEIGHTS
from resight.settings import Settings

from .commands import Drawn, run


def commands() -> list[tuple[str, ...]]:
    """Every command as it is typed."""
    group: Any = typer.main.get_command(app)
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found += [(name, each) for each in inner] if inner else [(name,)]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_teaches(command: tuple[str, ...]) -> None:
    group: Any = typer.main.get_command(app)
    for name in command:
        group = group.commands[name]
    purpose, *rest = group.help.split("\n\n")
    assert len(purpose) < 100
    assert purpose.endswith(".")
    examples = [part for part in rest if part.startswith("Example")]
    assert f"resight {' '.join(command)}" in examples[0]
    assert rest[-1].startswith("Next: ")
    assert max(map(len, group.help.splitlines())) <= 86


@pytest.mark.parametrize("command", [(), *commands(), ("models",)], ids=" ".join)
def test_help_names_no_types_of_python(command: tuple[str, ...]) -> None:
    assert not re.search(r"<\w+(\[|>)", run(*command, "--help").out)


def test_a_command_of_another_name_is_found() -> None:
    ran = run("unhide", "Donatello")
    assert ran.code == 2
    assert "resight hide WHAT --unhide" in ran.err


def test_a_column_that_says_nothing_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    columns = [Column("Name"), Column("Place"), Column("Note")]
    Output().table(columns, [("a", "–", "x"), ("b", "", "")])
    text = capsys.readouterr().out
    assert "Place" not in text
    assert "Note" in text


def test_stages_side_by_side_keep_their_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with Output().stages("photo.jpg") as tell:
        tell("reading", 8, 184)
        tell("comparing", 3, 184)
        tell("reading", 16, 184)
        tell("comparing", 12, 184)
        tell("screening", 24, 24)
        tell("screening", 28, 80)
    text = capsys.readouterr().err
    for row in ("photo.jpg: reading", "photo.jpg: comparing", "16/184", "12/184", "28/80"):
        assert row in text


def test_help_tells_what_exit_codes_mean() -> None:
    text = " ".join(run("--help").out.split())
    assert "Exit codes: 0 done; 1 error; 2 command line not understood" in text
    assert "3 finished, but some items failed" in text


@pytest.mark.parametrize("width", [30, 60, 80, 120])
def test_a_table_is_readable_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    columns = [Column("Individual", fold=True), Column("Photos", right=True), Column("Last seen")]
    Output().table(columns, [("Donatello", 12, "2024-07-01"), ("A very long name " * 2, 3, "")])
    text = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    for whole in ("Donatello", "12", "2024-07-01", "Photos", "Last seen"):
        assert whole in text, "no word of it is broken"
    assert max(map(len, text.splitlines())) <= width


def test_settings_say_where_they_come_from(tmp_path: Path) -> None:
    (tmp_path / "resight.toml").write_text("margin = 0.1\n")
    ran = run("settings", "--set", "ratio=0.8", "--json")
    found = {each["name"]: each for each in ran.json["settings"]}
    assert set(found) == set(Settings.model_fields)
    assert (found["margin"]["value"], Path(found["margin"]["from"]).name) == (0.1, "resight.toml")
    assert (found["ratio"]["value"], found["ratio"]["from"]) == (0.8, "--set")
    assert found["method"]["from"].startswith("environment")
    assert found["threads"]["from"] == "default"
    assert all(each["description"] for each in found.values())
    assert "keypoints kept per chip" in run("settings").out


def test_models_list_names_each_with_its_licence(tmp_path: Path) -> None:
    found = run("models", "list", "--json").json
    assert found["folder"] == str(tmp_path / "models")
    assert [each["name"] for each in found["models"]] == list(WEIGHTS)
    assert {each["state"] for each in found["models"]} == {"missing"}
    assert all(each["licence"] and each["sha256"] for each in found["models"])
    ran = run("models", "list")
    assert "BSD-3-Clause" in ran.out
    assert "resight models fetch aliked-n16 aliked-lightglue u2netp" in ran.err


def test_models_tell_a_restrictive_licence_before_fetching() -> None:
    assert "superpoint is for academic" in run("models", "list").out
    ran = run("models", "fetch", "superpoint")
    assert ran.code == 1
    assert "not for commercial use" in ran.err
    assert "--accept-licence" in ran.err


def test_models_verify_names_the_cure_for_a_corrupt_file(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "aliked-t16.pth").write_bytes(b"cut off")
    ran = run("models", "verify")
    assert ran.code == 1
    assert "run `resight models fetch aliked-t16`" in ran.err
    assert re.search(r"Weights +sha256 .*\n.*\n?aliked-t16 +WRONG", ran.out)
    assert run("models", "verify", "aliked-n16").code == 1, "missing, though asked for"


def test_models_verify_without_any_is_no_error() -> None:
    ran = run("models", "verify")
    assert ran.code == 0
    assert "resight models fetch" in ran.err


def test_models_refuse_a_name_they_do_not_know() -> None:
    ran = run("models", "fetch", "aliked-n15")
    assert ran.code == 1
    assert "did you mean" in ran.err


def test_doctor_tells_what_is_missing_and_how_to_get_it(drawn: Drawn) -> None:
    ran = run("doctor", "-c", drawn.catalogue, "--json")
    assert ran.code == 3, "the weights are missing"
    facts = ran.json
    assert {"python", "numpy", "openvino", "onnxruntime", "sqlite"} <= set(
        facts["machine"]["versions"]
    )
    assert facts["threads"] >= 1
    assert [(each["name"], each["device"]) for each in facts["engines"]] == [
        ("openvino", "cpu"),
        ("onnxruntime", "cpu"),
        ("onnxruntime", "cuda"),
    ]
    assert {each["precision"] for each in facts["engines"][:2]} <= {"f32", "bf16"}
    assert facts["catalogue"]["photos"] == 4
    assert facts["catalogue"]["individuals"] == 2
    assert facts["catalogue"]["findings"] == []
    assert [each["message"] for each in facts["advice"]] == [
        f"weights {name} are missing: run `resight models fetch {name}`"
        for name in ("aliked-n16", "aliked-lightglue", "u2netp")
    ]


def test_doctor_goes_on_where_there_is_no_catalogue_or_a_broken_one(tmp_path: Path) -> None:
    assert run("doctor", "--json").json["catalogue"] is None
    (tmp_path / "catalogue.sqlite").write_bytes(b"not a database" * 100)
    found = run("doctor", "--json").json["catalogue"]
    assert found["problem"]


def test_doctor_reports_settings_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIGHT_COLOUR", "red")
    ran = run("doctor")
    assert ran.code == 3
    assert "there is no setting 'colour'" in ran.err


def test_doctor_tells_of_cuda_that_it_is_untested() -> None:
    assert re.search(r"on cuda .*untested: no GPU was there", " ".join(run("doctor").out.split()))


def test_doctor_reports_settings_that_no_engine_can_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIGHT_DEVICE", "cuda")
    ran = run("doctor")
    assert ran.code == 3
    assert "--set engine=onnxruntime" in ran.err


def test_demo_says_which_weights_it_needs_before_it_writes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RESIGHT_METHOD")
    ran = run("demo", "--dir", tmp_path / "demo")
    assert ran.code == 1
    assert "resight models fetch aliked-n16 aliked-lightglue u2netp" in ran.err
    assert not (tmp_path / "demo").exists()


def test_demo_leaves_a_folder_that_is_not_its_own_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    ran = run("demo", "--dir", tmp_path / "mine")
    assert ran.code == 1
    assert "--dir" in ran.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.slow
def test_demo_finds_most_animals_twice_with_the_same_answers(tmp_path: Path) -> None:
    first = run("demo", "--dir", tmp_path / "demo")
    assert first.code == 0, first.err
    assert "8 drawn animals, 20 photos; 8 new photos" in first.out
    assert "no real ones" in first.err
    again = run("demo", "--dir", tmp_path / "demo", "--json").json
    assert again["right"] >= 4
    assert again["known"] == 6
    assert [each["truth"] for each in again["asked"][-2:]] == ["", ""]
    assert all(Path(each["picture"]).is_file() for each in again["asked"])
    assert f"{again['right']} of 6 known animals" in first.out
    assert first.out.count("not in the catalogue") >= 2
    assert "resight identify NEW-PHOTO.jpg --explain why.png -c my-animals" in first.err
