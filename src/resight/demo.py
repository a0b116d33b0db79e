"""A catalogue of drawn animals, and who is on new photos of them: resight end to end.

Everything is made by the parts a user has: photos on the disk, ``Catalogue.add``,
``PhotoSearch``. Only the animals are drawn, since no real photo may be shipped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Optional

from resight.catalogue import Catalogue, ImportPlan, PlannedPhoto, plan_pattern
from resight.draw import write_png
from resight.errors import CatalogueError
from resight.registry import build_method
from resight.search import PhotoSearch
from resight.settings import Settings
from resight.testing import DrawnAnimal, drawn_animals, photograph, write_jpeg, write_photos
from resight.types import Place

#: Told what is under way, how many items of it are finished, and how many there are.
Progress = Callable[[str, int, int], None]

#: Few keypoints and small chips, so that two processor cores need seconds.
QUICK = {"max_keypoints": 256, "long_edge": 384}
#: How the photos are named, as ``resight add --pattern`` reads it.
PATTERN = "{identity}/{date}-{side}"
_MARK = "drawn-by-resight.txt"
_KNOWN, _OTHERS = 8, 2
_TWICE = 2
_FIRST, _SECOND, _NEW = date(2021, 6, 15), date(2022, 7, 10), datetime(2024, 7, 5, 10, 30)
_EASY, _HARDER, _HARDEST = 0.3, 0.45, 0.6
_SIZE = (512, 384)
_DESK_SIZE = (768, 576)  # photos that people look at closely
#: In the middle of an ocean: no animal is there to be disturbed.
_PLACES = {
    "Coral Cove": Place(-8.412, -128.327),
    "North Reef": Place(-8.391, -128.349),
    "Seagrass Bay": Place(-8.447, -128.371),
}


@dataclass(frozen=True)
class Asked:
    """One new photo and the answer about it; ``truth`` is empty for an animal not in the catalogue.

    ``probability`` is that of the answer, ``new_probability`` that of an animal not in the
    catalogue; ``None`` where nothing was learned about scores. ``score`` and ``second`` are
    raw scores of the first and second individual; there is no second where no other came
    close enough to be matched.
    """

    photo: Path
    truth: str
    shows: str
    answer: str
    probability: Optional[float]
    new_probability: Optional[float]
    score: float
    second: Optional[float]
    inliers: int
    picture: Path


@dataclass(frozen=True)
class Demo:
    """What the demo did: where it all is, what was asked, and how long it took.

    ``precision`` is that of matching; ``None`` where no network runs. ``calibration`` says
    from what probabilities were learned; empty where there are none.
    """

    folder: Path
    catalogue: Path
    individuals: int
    photos: int
    method: str
    precision: Optional[str]
    extraction_precision: Optional[str]
    score: str
    calibration: str
    asked: tuple[Asked, ...]
    seconds: float

    @property
    def known(self) -> tuple[Asked, ...]:
        """The photos of animals that are in the catalogue."""
        return tuple(each for each in self.asked if each.truth)

    @property
    def right(self) -> int:
        """How many of those were answered with the right animal."""
        return sum(each.answer == each.truth for each in self.known)


def run_demo(folder: Path, settings: Settings, *, progress: Optional[Progress] = None) -> Demo:
    """Draw animals into ``folder``, add them to a catalogue there and identify new photos.

    A folder this made before is used again, and what is there is not made anew.

    Raises ``WeightsMissing`` before anything is written; ``CatalogueError`` where
    the folder holds something else.
    """
    tell = progress or (lambda *_: None)
    began = time.perf_counter()
    method = build_method(settings.method, settings.model_copy(update=QUICK))
    _take_folder(folder)
    animals = drawn_animals(_KNOWN + _OTHERS)
    photos = folder / "photos"
    _draw_known(photos, animals[:_KNOWN], tell)
    queries = _draw_queries(folder / "new-photos", animals, tell)
    with _catalogue(folder / "catalogue") as catalogue:
        plan = plan_pattern(photos, PATTERN)
        for done, outcome in enumerate(catalogue.add(plan, actor="demo"), start=1):
            if outcome.status in ("bad", "conflict"):
                raise CatalogueError(f"{outcome.source}: {outcome.reason}; delete {folder}")
            tell("Adding photos to the catalogue", done, len(plan.photos))
        search = PhotoSearch(
            catalogue=catalogue,
            method=method,
            side_policy=settings.side_policy,
            new_prior=settings.new_prior,
            wanted_error=settings.wanted_error,
        )
        asked = []
        for done, query in enumerate(queries):
            tell("Identifying new photos", done, len(queries))
            asked.append(_ask(search, query, folder / "matches"))
        individuals = len(catalogue.list())
        held = len(catalogue.entries())
    return Demo(
        folder=folder,
        catalogue=folder / "catalogue",
        individuals=individuals,
        photos=held,
        method=method.name,
        precision=getattr(method.matcher, "precision", None),
        extraction_precision=getattr(method.extractor, "precision", None),
        score=method.score,
        calibration=search.basis,
        asked=tuple(asked),
        seconds=time.perf_counter() - began,
    )


def draw_desk(folder: Path, settings: Settings, *, progress: Optional[Progress] = None) -> Path:
    """Draw animals into ``folder`` and make a catalogue with encounters to be reviewed.

    Eight known animals, and eight encounters of which nobody has said who it is: five of
    known animals, one of them with two photos, one of these worse than the others, and two
    of new animals, one of which was met twice. Returns the catalogue's folder. One that is
    there already is left as it is, with all that was decided in it.

    Raises ``WeightsMissing`` before anything is written; ``CatalogueError`` where
    the folder holds something else.
    """
    tell = progress or (lambda *_: None)
    build_method(settings.method, settings.model_copy(update=QUICK))
    _take_folder(folder)
    made = folder / "desk"
    if made.exists():
        return made
    scenes = [*_known_scenes(), *_waiting_scenes()]
    photos = folder / "desk-photos"
    photos.mkdir(exist_ok=True)
    planned = []
    for done, scene in enumerate(scenes):
        tell("Drawing photos", done, len(scenes))
        planned.append(_drawn(photos, scene))
    begun = folder / ".desk"  # so that a half-made catalogue is never served
    with _catalogue(begun) as catalogue:
        plan = ImportPlan(str(photos), tuple(planned))
        for done, outcome in enumerate(catalogue.add(plan, actor="demo"), start=1):
            if outcome.status in ("bad", "conflict"):
                raise CatalogueError(f"{outcome.source}: {outcome.reason}; delete {folder}")
            tell("Adding photos to the catalogue", done, len(planned))
    begun.rename(made)
    return made


@dataclass(frozen=True)
class _Scene:
    """One photo of the desk's catalogue."""

    animal: DrawnAnimal
    side: str
    taken_at: datetime
    encounter: str
    place: str
    seed: int
    difficulty: float
    known: bool


def _known_scenes() -> list[_Scene]:
    """Both sides of each known animal; of the first few on a second day too."""
    scenes: list[_Scene] = []
    for number, animal in enumerate(drawn_animals(_KNOWN)):
        for day in (_FIRST, _SECOND) if number < _TWICE else (_FIRST,):
            taken_at = datetime(day.year, day.month, day.day, 9, 15) + timedelta(days=3 * number)
            place = list(_PLACES)[number % len(_PLACES)]
            encounter = f"Dive {1 + len(scenes) // 2}"
            for side in ("left", "right"):
                taken_at += timedelta(minutes=2)
                seed = 1000 + len(scenes)
                scenes.append(_Scene(animal, side, taken_at, encounter, place, seed, _EASY, True))
    return scenes


def _waiting_scenes() -> list[_Scene]:
    """What is to be reviewed: which animal, from which sides, and how well it is seen."""
    wanted = [
        (0, ("left",), _EASY),
        (2, ("right", "left"), _HARDER),
        (8, ("left",), _EASY),
        (3, ("right",), _HARDER),
        (5, ("left",), _HARDER),
        (9, ("right", "left"), _HARDER),
        (7, ("right",), _HARDEST),
        (8, ("left",), _HARDER),
    ]
    animals = drawn_animals(_KNOWN + _OTHERS)
    scenes: list[_Scene] = []
    for number, (animal, sides, difficulty) in enumerate(wanted):
        taken_at = _NEW + timedelta(days=number, minutes=17 * number)
        place = list(_PLACES)[number % len(_PLACES)]
        encounter = f"Dive {31 + number}"
        for side in sides:
            taken_at += timedelta(seconds=40)
            seed = 2000 + len(scenes)
            scenes.append(
                _Scene(animals[animal], side, taken_at, encounter, place, seed, difficulty, False)
            )
    return scenes


def _drawn(folder: Path, scene: _Scene) -> PlannedPhoto:
    """Draw a scene and say what a field team would know of it."""
    path = folder / f"IMG_{scene.seed}.jpg"
    photo = photograph(
        scene.animal,
        seed=scene.seed,
        side=scene.side,
        size=_DESK_SIZE,
        difficulty=scene.difficulty,
    )
    write_jpeg(path, photo, taken_at=scene.taken_at)
    return PlannedPhoto(
        path=path,
        source=str(path),
        name=path.name,
        identity=scene.animal.name if scene.known else "",
        box=photo.box,
        side=scene.side,
        encounter=scene.encounter,
        species="drawn turtle",
        date=f"{scene.taken_at:%Y-%m-%d}",
        place=scene.place,
        position=_position(scene),
    )


def _position(scene: _Scene) -> Place:
    """A few hundred metres from the middle of its place, elsewhere on each dive."""
    dive, (latitude, longitude) = int(scene.encounter.split()[-1]), _PLACES[scene.place]
    return Place(latitude + dive % 5 * 0.0011, longitude + dive % 7 * 0.0013)


@dataclass(frozen=True)
class _Query:
    path: Path
    animal: DrawnAnimal
    side: str
    known: bool


def _take_folder(folder: Path) -> None:
    """Make the folder, or see that it is one of the demo's own."""
    if folder.exists() and not (folder / _MARK).is_file() and any(folder.iterdir()):
        raise CatalogueError(
            f"{folder} holds something that is not the demo's: name another folder with --dir"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).write_text(
        "The animals in this folder are drawn by `resight demo`. None of them ever lived.\n"
        "The folder can be deleted at any time.\n",
        encoding="utf-8",
    )


def _catalogue(folder: Path) -> Catalogue:
    return (
        Catalogue.open(folder) if (folder / "catalogue.sqlite").exists() else Catalogue.init(folder)
    )


def _draw_known(folder: Path, animals: Sequence[DrawnAnimal], tell: Progress) -> None:
    """Both sides of each animal on one day, and of the first few on a second."""
    for done, animal in enumerate(animals):
        tell("Drawing photos of known animals", done, len(animals))
        if not (folder / animal.name).is_dir():
            days = (_FIRST, _SECOND) if done < _TWICE else (_FIRST,)
            begun = folder.with_name(f".{animal.name}")  # so that a half-drawn one is drawn again
            write_photos(begun, [animal], days=days, difficulty=_EASY, size=_SIZE)
            folder.mkdir(exist_ok=True)
            (begun / animal.name).rename(folder / animal.name)
            begun.rmdir()


def _draw_queries(folder: Path, animals: Sequence[DrawnAnimal], tell: Progress) -> list[_Query]:
    """New photos of some known animals and of all others, in worse conditions."""
    folder.mkdir(exist_ok=True)
    chosen = [*animals[:4], animals[5], animals[7], *animals[_KNOWN:]]
    queries = []
    for number, animal in enumerate(chosen, start=1):
        tell("Drawing new photos", number - 1, len(chosen))
        side = "left" if number % 2 else "right"
        path = folder / f"new-{number}.jpg"
        if not path.exists():
            photo = photograph(animal, seed=100 + number, side=side, size=_SIZE, difficulty=_HARDER)
            begun = path.with_name(f".{path.name}")
            write_jpeg(begun, photo, taken_at=_NEW.replace(day=number))
            begun.rename(path)
        queries.append(_Query(path, animal, side, animal in animals[:_KNOWN]))
    return queries


def _ask(search: PhotoSearch, query: _Query, pictures: Path) -> Asked:
    read = search.read(query.path, side=query.side)
    answer = search.identify(read)
    first, second = (*answer.candidates, None, None)[:2]
    pictures.mkdir(exist_ok=True)
    picture = pictures / f"{query.path.stem}.png"
    title = f"{query.path.name}: drawn, not a real animal"
    write_png(picture, search.picture(read, answer, rows=2, title=title))
    return Asked(
        photo=query.path,
        truth=query.animal.name if query.known else "",
        shows=query.animal.name,
        answer=first.individual if first else "",
        probability=first.probability if first else None,
        new_probability=answer.new_probability,
        score=first.score if first else 0.0,
        second=second.score if second else None,
        inliers=int(first.evidence[0].geometry.inliers.sum()) if first else 0,
        picture=picture,
    )
