"""The command that says who is in a photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from resight.cli.lookup import opened_in
from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet, Set
from resight.cli.output import Column, Output, count, error, exit_code, stopped
from resight.errors import NotFound, PhotoError

if TYPE_CHECKING:
    from resight.catalogue import AnnotationRecord
    from resight.search import PhotoQuery, PhotoSearch
    from resight.types import Box, Identification

NO_PROBABILITY = "not a probability; probabilities come with calibration (not in this release)"


def identify(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO|FOLDER", help="Photos, or folders of them.")
    ],
    side: Annotated[
        str,
        typer.Option(
            metavar="SIDE",
            help="The side these photos show: left, right, top, topleft … Opposite sides are "
            "not compared.",
            show_default=False,
        ),
    ] = "",
    box: Annotated[
        str,
        typer.Option(
            metavar="X,Y,W,H",
            help="Where the animal is, in pixels of the upright photo; for one photo.",
            show_default=False,
        ),
    ] = "",
    top: Annotated[int, typer.Option(metavar="K", min=1, help="How many individuals to list.")] = 5,
    explain: Annotated[
        Optional[Path],
        typer.Option(
            metavar="OUT",
            help="Draw the matches: OUT.png for one photo, else a folder with a picture each.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Extractor+matcher, such as sift+nearest.", show_default=False
        ),
    ] = "",
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say which known individuals look most like the animal in a photo.

    Scores are raw: the sum of match confidences, not a probability. Look at the
    picture of --explain before you believe one. Nothing is added to the catalogue.

    Examples:
      resight identify IMG_0412.jpg --side left --explain why.png
      resight identify today/ --top 3 --explain pictures/
      resight identify IMG_0412.jpg --box 310,120,900,640 --json

    Next: resight add IMG_0412.jpg --individual NAME, when you agree
    """
    from resight.catalogue.names import side_named
    from resight.registry import build_method
    from resight.search import PhotoSearch
    from resight.settings import load_settings

    out = Output(quiet=quiet, as_json=as_json)
    try:
        side = side_named(side)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem
    region = _box(box)
    paths = _photos(photos)
    if region and len(paths) != 1:
        raise typer.BadParameter(f"--box is for one photo, not {len(paths)}")
    pictures = _Pictures(explain, len(paths)) if explain else None
    values = load_settings(
        [*(set_ or ()), *([f"method={method}"] if method else ())], catalogue=catalogue
    )
    with opened_in(catalogue) as opened:
        search = PhotoSearch(
            catalogue=opened,
            method=build_method(values.method, values),
            side_policy=values.side_policy,
        )
        run = _Run(out, search, pictures, side, region, top)
        try:
            for number, path in enumerate(paths, start=1):
                run.ask(path, f"{number}/{len(paths)} " if len(paths) > 1 else "")
        except KeyboardInterrupt:
            run.finish(values.model_dump())
            raise stopped(
                f"{run.done} of {count(len(paths), 'photo')} were asked about; nothing in the "
                "catalogue was changed"
            ) from None
    run.finish(values.model_dump())
    raise typer.Exit(exit_code(len(run.answers), len(run.failed)))


class _Run:
    """Asks about photos one by one, and keeps what is printed as JSON."""

    def __init__(
        self,
        out: Output,
        search: PhotoSearch,
        pictures: Optional[_Pictures],
        side: str,
        region: Optional[Box],
        top: int,
    ) -> None:
        self.out, self.search, self.pictures = out, search, pictures
        self.side, self.region, self.top = side, region, top
        self.answers: list[dict[str, Any]] = []
        self.failed: list[dict[str, str]] = []
        self.confidences = True

    @property
    def done(self) -> int:
        """Photos dealt with."""
        return len(self.answers) + len(self.failed)

    def ask(self, path: Path, number: str) -> None:
        """Identify one photo and print the answer; one that cannot be used is reported."""
        try:
            with self.out.progress(f"{number}{path.name}") as step:
                query = self.search.read(path, box=self.region, side=self.side)
                answer = self.search.identify(query, progress=step)
            shown = answer.candidates[: self.top]
            best = [each.evidence[0].annotation for each in shown]
            records = self.search.catalogue.annotations(best)
        except PhotoError as problem:
            text = str(problem)
            self._fail(path, text if text.startswith(str(path)) else f"{path}: {text}")
            return
        except NotFound as problem:
            self._fail(path, f"{path}: the catalogue changed meanwhile ({problem}): ask again")
            return
        if shown:
            self.confidences = shown[0].evidence[0].matches.confidences is not None
        self.answers.append(_as_json(query, answer, records))
        _print(self.out, query, answer, records)
        if self.pictures:
            picture = self.pictures.write(self.search, query, answer)
            self.answers[-1]["picture"] = str(picture)
            self.out.say(f"Picture: {picture}")

    def _fail(self, path: Path, text: str) -> None:
        error(text)
        self.failed.append({"path": str(path), "error": text})

    def finish(self, settings: dict[str, Any]) -> None:
        """Say by which method, what the numbers mean, and what to do next."""
        method = self.search.method
        precision = method.precision
        note = _score_note(method.score, confidences=self.confidences)
        self.out.json(
            {
                "catalogue": str(self.search.catalogue.folder),
                "method": method.name,
                "fingerprint": self.search.identifier.fingerprint,
                "precision": precision,
                "settings": settings,
                "score": method.score,
                "score_note": note,
                "queries": self.answers,
                "failed": self.failed,
            }
        )
        if not self.answers:
            return
        self.out.say()
        self.out.say(f"Method {method.name}" + (f", precision {precision}" if precision else ""))
        self.out.say(note)
        _hint(self.out, self.answers[-1])


@dataclass
class _Pictures:
    """Where ``--explain`` puts pictures: a file for one photo, or a folder."""

    target: Path
    queries: int

    def __post_init__(self) -> None:
        self._taken: set[str] = set()
        self._is_file = self.target.suffix.lower() == ".png"
        if self._is_file and self.queries > 1:
            raise typer.BadParameter(
                f"--explain {self.target} is one file, but there are {self.queries} photos: "
                "name a folder"
            )
        folder = self.target.parent if self._is_file else self.target
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise typer.BadParameter(
                f"--explain: cannot make {folder}: {problem.strerror}"
            ) from problem

    def write(self, search: PhotoSearch, query: PhotoQuery, answer: Identification) -> Path:
        """Draw one answer; the file it is in."""
        from resight.draw import write_png

        path = self.target if self._is_file else self.target / self._name(query.path)
        write_png(path, search.picture(query, answer, title=f"{query.path.name}: who is it?"))
        return path

    def _name(self, photo: Path) -> str:
        name, number = f"{photo.stem}.png", 2
        while name in self._taken:
            name, number = f"{photo.stem}-{number}.png", number + 1
        self._taken.add(name)
        return name


def _photos(given: Sequence[Path]) -> list[Path]:
    from resight.photos import find_photos

    def found() -> Iterator[Path]:
        for path in given:
            if path.is_dir():
                yield from find_photos(path)
            else:
                yield path

    paths = list(dict.fromkeys(found()))
    if not paths:
        raise PhotoError(f"there is no photo in {', '.join(map(str, given))}")
    return paths


def _box(text: str) -> Optional[Box]:
    from resight.types import Box

    if not text:
        return None
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError as problem:
        raise typer.BadParameter(
            f"--box {text!r} is not x,y,w,h: four numbers with commas between them"
        ) from problem
    return Box(x, y, w, h)


def _score_note(score: str, *, confidences: bool) -> str:
    meaning = f"the raw number {score!r}"
    if score == "sum":
        meaning = f"the sum of match {'confidences' if confidences else 'scores'}"
    return f"The score is {meaning}, {NO_PROBABILITY}."


def _print(
    out: Output,
    query: PhotoQuery,
    answer: Identification,
    records: Sequence[AnnotationRecord],
) -> None:
    out.say()
    out.say(f"{query.path}   side {query.side}")
    if query.records:
        out.say("This photo is in the catalogue: itself and its encounter are left out.")
    large = bool(answer.candidates) and abs(answer.candidates[0].score) >= 10
    decimals = 1 if large else 3
    out.table(
        [
            Column("#", right=True),
            Column("Individual", fold=True),
            Column(answer.score, right=True),
            Column("Matches", right=True),
            Column("Inliers", right=True),
            Column("Best photo", fold=True),
            Column("Side"),
        ],
        [
            (
                rank,
                candidate.individual,
                f"{candidate.score:.{decimals}f}",
                len(candidate.evidence[0].matches),
                int(candidate.evidence[0].geometry.inliers.sum()),
                record.name,
                record.side,
            )
            for rank, (candidate, record) in enumerate(
                zip(answer.candidates, records, strict=False), start=1
            )
        ],
    )
    out.say(_searched(answer))


def _searched(answer: Identification) -> str:
    individuals = count(len(answer.candidates), "individual")
    text = f"Searched {count(answer.searched, 'photo')} of {individuals} in {answer.seconds:.1f} s"
    if answer.left_out:
        reasons = ", ".join(f"{number} ({reason})" for reason, number in answer.left_out.items())
        text += f"; left out {reasons}"
    return text + ("" if answer.candidates else ". No candidates: there was nothing to compare")


def _as_json(
    query: PhotoQuery, answer: Identification, records: Sequence[AnnotationRecord]
) -> dict[str, Any]:
    return {
        "path": str(query.path),
        "photo": query.photo.sha256,
        "in_catalogue": [record.id for record in query.records],
        "side": answer.side,
        "side_policy": answer.side_policy,
        "searched": answer.searched,
        "individuals": len(answer.candidates),
        "left_out": dict(answer.left_out),
        "seconds": answer.seconds,
        "probability_new": answer.probability_new,
        "candidates": [
            {
                "rank": rank,
                "individual": candidate.individual,
                "score": candidate.score,
                "annotation": record.id,
                "photo": record.photo.sha256,
                "name": record.name,
                "side": record.side,
                "matches": len(candidate.evidence[0].matches),
                "inliers": int(candidate.evidence[0].geometry.inliers.sum()),
                "scores": dict(candidate.evidence[0].scores),
            }
            for rank, (candidate, record) in enumerate(
                zip(answer.candidates, records, strict=False), start=1
            )
        ],
    }


def _hint(out: Output, last: dict[str, Any]) -> None:
    """Which command says who it is. The name is left to people: nothing here is sure of one."""
    from shlex import quote

    if last["in_catalogue"]:
        command = f"resight assign {last['in_catalogue'][0]} --to NAME"
    else:
        side = "" if last["side"] == "unknown" else f" --side {last['side']}"
        command = f"resight add {quote(last['path'])} --individual NAME{side}"
    look = "the picture" if "picture" in last else "the matches (--explain OUT.png)"
    out.note(f"next: look at {look}; if you agree: {command}")
