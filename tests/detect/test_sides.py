"""Sides, learned from made-up parts and from drawn animals in a catalogue."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from resight.catalogue import Catalogue, plan_csv
from resight.detect.sides import Shown, SideModel, learn_sides
from resight.errors import CalibrationError, ModelError
from resight.settings import Settings
from resight.siding import SIDES, kept_sides, learned_sides, unsided
from resight.taught import kept_models
from resight.testing import drawn_animals, photograph, write_jpeg

LENGTH = 300
SIGN = {"left": 1.0, "right": -1.0, "top": 0.0}


def shown(side: str, number: int, blur: float = 0.5) -> Shown:
    """Parts of which a third change their sign in a mirror, and a third tell top from others."""
    random = np.random.default_rng([number, len(side)])
    parts = random.normal(scale=blur, size=(2, LENGTH))
    parts[:, : LENGTH // 3] += SIGN[side] * np.array([[1], [-1]])
    parts[:, LENGTH // 3 : 2 * LENGTH // 3] += side == "top"
    return Shown(parts.astype(np.float32), side, f"animal {number % 7}")


def taught(sides: tuple[str, ...], count: int = 30) -> list[Shown]:
    return [shown(sides[number % len(sides)], number) for number in range(count)]


def likeliest(model: SideModel, picture: Shown) -> tuple[str, float]:
    found = model.probabilities(picture.parts)
    assert sum(found.values()) == pytest.approx(1)
    side = max(found, key=lambda each: found[each])
    return side, found[side]


def test_sides_are_told_of_animals_that_were_not_learned_from() -> None:
    model = learn_sides(taught(("left", "right", "top")), "n.v1()")
    assert (model.pictures, model.animals, model.right) == (30, 7, 1.0)
    for number, side in enumerate(("left", "right", "top"), start=50):
        assert likeliest(model, shown(side, number))[0] == side


def test_the_mirror_image_teaches_a_side_of_which_there_is_no_photo() -> None:
    model = learn_sides(taught(("left", "top")), "n.v1()")
    assert model.sides == ("left", "right", "top")
    assert likeliest(model, shown("right", 60))[0] == "right"


def test_what_says_nothing_is_not_sure() -> None:
    blurred = [shown(("left", "right")[number % 2], number, blur=20.0) for number in range(60)]
    model = learn_sides(blurred, "n.v1()")
    assert model.right < 0.8
    assert likeliest(model, shown("left", 70, blur=20.0))[1] < 0.9


def test_an_animal_is_judged_by_what_was_learned_without_it() -> None:
    """One whose sides people confused would else be proposed as they said."""
    wrong = [Shown(shown("left", 100 + number).parts, "right", "confused") for number in range(40)]
    model = learn_sides([*taught(("left", "right")), *wrong], "n.v1()")
    parts = shown("left", 110).parts
    without = model.probabilities(parts, "confused")
    assert without["left"] > 0.5 > model.probabilities(parts)["left"]


def test_an_encounter_named_after_learning_is_judged_without_what_it_taught() -> None:
    wrong = [
        Shown(shown("left", 100 + number).parts, "right", "?dive 1", "dive 1")
        for number in range(40)
    ]
    model = learn_sides([*taught(("left", "right")), *wrong], "n.v1()")
    parts = shown("left", 110).parts
    assert model.probabilities(parts, "Crush", "dive 1")["left"] > 0.5
    folds = {model.probabilities(parts, f"animal {n}", "dive 1")["left"] for n in range(7)}
    assert 0.5 in folds, "of an animal that it learned from without this encounter it says nothing"
    assert all(each >= 0.5 for each in folds)


@pytest.mark.parametrize(
    "pictures",
    [
        taught(("left", "right"), 19),
        taught(("left",)),
        [Shown(each.parts, each.side, "one") for each in taught(("left", "right"))],
        [*taught(("left",)), shown("top", 1)],
    ],
    ids=["photos", "sides", "animals", "photos of the second side"],
)
def test_too_few_are_refused(pictures: list[Shown]) -> None:
    with pytest.raises(CalibrationError, match="too few to learn from"):
        learn_sides(pictures, "n.v1()")


def test_what_was_learned_is_the_same_when_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = learn_sides(taught(("left", "right")), "n.v1()")
    model.write(path)
    read, parts = SideModel.read(path), shown("left", 80).parts
    assert read.probabilities(parts) == model.probabilities(parts)
    assert read.probabilities(parts, "animal 3") == model.probabilities(parts, "animal 3")
    assert (read.sides, read.network, read.right) == (model.sides, "n.v1()", model.right)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="is damaged"):
        SideModel.read(path)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten animals of known sides, and three (left and right) of sides that nobody said."""
    folder = tmp_path_factory.mktemp("sided")
    rows = ["path,identity,side"]
    for number, animal in enumerate(drawn_animals(13)):
        for side in ("left", "right"):
            name = f"{animal.name}-{side}.jpg"
            photo = photograph(animal, seed=1, side=side, difficulty=0.3, size=(320, 240))
            write_jpeg(folder / name, photo, taken_at=datetime(2021, 6, 1))
            rows.append(f"{name},{animal.name},{side if number < 10 else ''}")
    (folder / "photos.csv").write_text("\n".join(rows), encoding="utf-8")
    with Catalogue.init(folder / "it") as opened:
        outcomes = list(opened.add(plan_csv(folder / "photos.csv"), actor="Ann"))
    assert {each.status for each in outcomes} == {"added"}
    return folder / "it"


def test_sides_of_drawn_animals_are_proposed_and_kept(catalogue: Path) -> None:
    with Catalogue.open(catalogue) as opened:
        assert kept_sides(opened, Settings()) is None
        told: list[tuple[int, int]] = []
        finder = learned_sides(
            opened, Settings(), progress=lambda done, total: told.append((done, total))
        )
        wanted = unsided(opened.annotations())
        proposed = [finder.propose(each) for each in wanted]
        assert told == [(each, 20) for each in range(1, 21)]
        assert len(proposed) == 6
        for each in proposed:
            assert each.side in each.record.name
            assert each.probability > 0.9
        assert unsided(opened.annotations()) == wanted, "nothing is changed"
        again = learned_sides(opened, Settings(), progress=lambda *_: pytest.fail("kept"))
        assert again.propose(wanted[0]) == proposed[0]
        kept = kept_sides(opened, Settings())
        assert kept
        assert kept.propose(wanted[0]) == proposed[0]
        opened.describe([wanted[0].id], side=proposed[0].side, actor="Ann")
        assert learned_sides(opened, Settings()).model.pictures == 21
        assert len(kept_models(opened, SIDES)) == 2


def test_a_lost_original_is_not_learned_from(
    catalogue: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Catalogue.init(tmp_path / "one") as opened:
        list(opened.add(plan_csv(catalogue.parent / "photos.csv"), actor="Ann"))
        lost = next(each for each in opened.annotations() if each.side == "left")
        opened.original(lost.photo.sha256).unlink()
        with pytest.raises(CalibrationError, match="19 photos of 10 animals"):
            learned_sides(opened, Settings())
        assert f"{lost.name} is not learned from" in caplog.text
