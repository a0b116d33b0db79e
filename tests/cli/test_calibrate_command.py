"""`resight calibrate`, and the probabilities that `identify` tells after it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resight.catalogue import Catalogue

from .commands import Drawn, run

ANIMALS = 20
PATTERN = "{identity}/{encounter}"


def texture(number: int) -> np.ndarray:
    random = np.random.default_rng(number)
    coarse = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((160, 120), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def _herd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of animals that were seen on two occasions: the second time noisier."""
    folder = tmp_path_factory.mktemp("herd")
    random = np.random.default_rng(0)
    for animal in range(ANIMALS):
        for visit in range(2):
            noise = random.normal(0, 6 * visit, (120, 160, 3))
            pixels = np.clip(texture(animal) + noise, 0, 255).astype(np.uint8)
            path = folder / "photos" / f"animal {animal:02}" / f"{animal:02} {visit}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    assert run("init", folder / "it").code == 0
    added = run("add", folder / "photos", "--pattern", PATTERN, "-c", folder / "it")
    assert added.code == 0, added.err
    return folder


@pytest.fixture
def herd(_herd: Path, tmp_path: Path) -> Path:
    own = tmp_path / "herd"
    shutil.copytree(_herd, own)
    return own


def test_probabilities_are_learned_kept_told_and_forgotten(herd: Path) -> None:
    catalogue, plot = herd / "it", herd / "reliability.svg"
    learned = run("calibrate", "--plot", plot, "--json", "-c", catalogue)
    assert learned.code == 0, learned.err
    assert learned.json["individuals"] == ANIMALS
    assert learned.json["known_trials"] == learned.json["novel_trials"] == 2 * ANIMALS
    assert 0 < learned.json["needed"] <= 1
    assert plot.read_text().startswith("<svg")

    strict = ("--set", "wanted_error=0.001")
    warned = run("calibrate", *strict, "-c", catalogue)
    assert "warning: no answer will be a verdict: 20 individuals do not show any" in warned.err
    assert "or accept more errors: --set wanted_error=0.1" in warned.err
    photo = herd / "photos" / "animal 03" / "03 1.png"
    assert (
        "shows no answer to err so rarely" in run("identify", photo, *strict, "-c", catalogue).out
    )
    said = run("identify", photo, "--json", "-c", catalogue).json
    (answer,) = said["queries"]
    first = answer["candidates"][0]
    assert first["individual"] == "animal 03"
    assert first["probability"] > 0.8
    assert answer["verdict"] in ("known", "undecided")
    each = sum(candidate["probability"] for candidate in answer["candidates"])
    assert each + answer["new_probability"] + answer["unlisted_probability"] <= 1 + 1e-9
    assert "learned from 20 individuals of this catalogue" in said["calibration"]

    shown = run("identify", photo, "-c", catalogue)
    assert "Probability" in shown.out
    assert "Probabilities are learned from 20 individuals of this catalogue" in shown.out

    with Catalogue.open(catalogue) as opened:
        opened.purge("03 0.png", confirm="03 0.png", actor="test")
    assert not list(catalogue.glob("features/*/calibration/*.jsonl"))


@pytest.mark.usefixtures("usual_features")
def test_a_damaged_calibration_is_found_and_not_used(herd: Path) -> None:
    catalogue = herd / "it"
    assert run("calibrate", "--limit", 40, "-c", catalogue).code == 0
    (kept,) = catalogue.glob("features/*/calibration/*.jsonl")
    kept.write_bytes(kept.read_bytes()[:-30])
    photo = herd / "photos" / "animal 03" / "03 1.png"
    said = run("identify", photo, "--json", "-c", catalogue)
    assert "drawn animals" in said.json["calibration"]
    found = run("check", "-c", catalogue)
    assert "it is damaged: run `resight calibrate` again" in found.out
    assert run("check", "--repair", "-c", catalogue).code == 0
    assert not kept.exists()


@pytest.mark.usefixtures("usual_features")
def test_few_animals_teach_what_strangers_score(herd: Path, tmp_path: Path) -> None:
    catalogue, photos = tmp_path / "few", herd / "photos"
    for animal in sorted(photos.iterdir())[12:]:
        shutil.rmtree(animal)
    assert run("init", catalogue).code == 0
    assert run("add", photos, "--pattern", PATTERN, "-c", catalogue).code == 0
    photo = photos / "animal 03" / "03 1.png"
    before = run("identify", photo, "--json", "-c", catalogue).json
    learned = run("calibrate", "-c", catalogue)
    assert learned.code == 0, learned.err
    assert "fewer than 20 individuals were seen in two encounters" in " ".join(learned.out.split())
    after = run("identify", photo, "--json", "-c", catalogue).json
    assert "not from your catalogue" in before["calibration"]
    assert "in units of what strangers score in this catalogue" in after["calibration"]
    old, new = (said["queries"][0]["new_probability"] for said in (before, after))
    assert old != new


def test_too_few_animals_seen_twice_are_an_error_that_says_so(drawn: Drawn) -> None:
    ran = run("calibrate", "-c", drawn.catalogue)
    assert ran.code == 1
    assert "0 individuals were seen in two encounters, and 20 are needed" in ran.err


def test_a_diagram_of_another_format_is_refused_before_anything_is_asked(drawn: Drawn) -> None:
    ran = run("calibrate", "--plot", "out.png", "-c", drawn.catalogue)
    assert ran.code == 2
    assert "FILE.svg" in ran.err


def test_a_folder_that_is_not_there_is_said_before_anything_is_learned(drawn: Drawn) -> None:
    ran = run("calibrate", "--plot", "no-such-folder/out.svg", "-c", drawn.catalogue)
    assert ran.code == 2
    assert "there is no folder no-such-folder" in ran.err


def test_a_log_is_told_how_far_it_is(herd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = herd / "photos" / "animal 03" / "03 1.png"
    assert "comparing" not in run("identify", new, "-c", herd / "it").err
    monkeypatch.setattr("resight.cli.output._SELDOM", 0.0)
    assert re.search(r"comparing: \d+ of \d+", run("identify", new, "-c", herd / "it").err)
    assert "comparing" not in run("identify", new, "--quiet", "-c", herd / "it").err
