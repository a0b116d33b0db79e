"""The command that says who is in a photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from resight.cli import options
from resight.cli.answers import (
    as_json,
    has_matched,
    method_note,
    print_answer,
    print_together,
    probability_note,
    score_note,
    together_as_json,
)
from resight.cli.detect import finder_of
from resight.cli.hints import command
from resight.cli.lookup import opened_in, photos_in, searching
from resight.cli.options import (
    HERE,
    AsJson,
    CatalogueFolder,
    Effort,
    Quiet,
    Set,
    box_of,
    effort_of,
    name_of,
    side_of,
)
from resight.cli.output import Output, count, error, exit_code, stopped, to_stderr
from resight.cli.pictures import Pictures
from resight.errors import CatalogueError, NotFound, PhotoError

if TYPE_CHECKING:
    from resight.catalogue import AnnotationRecord, Catalogue
    from resight.detect import Detector
    from resight.queries import PhotoQuery
    from resight.search import PhotoSearch
    from resight.shortlist.index import Progress
    from resight.types import Box, Identification


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
    box: options.Box = "",
    encounter: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The encounter these photos are of: its other photos are left out.",
            show_default=False,
        ),
    ] = "",
    together: Annotated[
        bool,
        typer.Option(
            "--together",
            help="These photos show one animal, seen together: answer about all of them as well.",
            show_default=False,
        ),
    ] = False,
    mirror: Annotated[
        bool,
        typer.Option(
            "--mirror",
            help="Ask about each photo in a mirror as well, against photos of the opposite side: a "
            "hint who an animal is that was seen from there only.",
            show_default=False,
        ),
    ] = False,
    detector: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE.onnx",
            help="Ask about the first box that this detector finds on each photo; as of `resight "
            "detect`.",
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
    effort: Effort = "",
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say which known individuals look most like the animal in a photo.

    Says how probable each is and how probable a new animal, and whether that is
    enough for a verdict. Look at the picture of --explain before you believe one.
    Nothing is added to the catalogue.

    Examples:
      resight identify IMG_0412.jpg --side left --explain why.png
      resight identify today/ --top 3 --explain pictures/
      resight identify IMG_0412.jpg IMG_0413.jpg --together
      resight identify IMG_0412.jpg --side left --mirror
      resight identify IMG_0412.jpg --box 310,120,900,640 --json
      resight identify today/ --detector catalogue

    Next: resight add IMG_0412.jpg --individual NAME, when you agree
    """
    from resight.settings import load_settings

    out = Output(quiet=quiet, as_json=as_json)
    region, side, encounter = box_of(box), side_of(side), name_of(encounter)
    paths = photos_in(photos)
    if region and len(paths) != 1:
        raise typer.BadParameter(f"--box is for one photo, not {len(paths)}")
    if region and detector:
        raise typer.BadParameter("--box and --detector both say where the animal is: give one")
    pictures = Pictures(explain, len(paths)) if explain else None
    chosen = {"method": method, "effort": effort_of(effort)}
    values = load_settings(
        [*(set_ or ()), *(f"{name}={value}" for name, value in chosen.items() if value)],
        catalogue=catalogue,
    )
    with opened_in(catalogue) as opened:
        _check_gallery(opened, catalogue, encounter)
        with out.progress(f"Loading {values.method}"):
            search = searching(opened, values)
        finder = finder_of(out, detector, opened, values) if detector else None
        asked = _Asked(
            catalogue, len(paths), side, region, box, encounter, finder, together, mirror
        )
        run = _Run(out, search, pictures, asked, top)
        try:
            for number, path in enumerate(paths, start=1):
                run.ask(path, f"{number}/{len(paths)} " if len(paths) > 1 else "")
            run.pool()
        except KeyboardInterrupt:
            run.finish(values.model_dump())
            raise stopped(
                f"{run.done} of {count(len(paths), 'photo')} were asked about; nothing in the "
                "catalogue was changed"
            ) from None
    run.finish(values.model_dump())
    raise typer.Exit(exit_code(len(run.answers), len(run.failed)))


@dataclass(frozen=True)
class _Asked:
    """What the command line says: of which catalogue, how many photos, what they show."""

    catalogue: Path
    photos: int
    side: str
    region: Optional[Box]
    box: str
    encounter: str
    finder: Optional[Detector] = None
    together: bool = False
    mirror: bool = False


def _check_gallery(opened: Catalogue, folder: Path, encounter: str) -> None:
    """Say it where there is nobody to be found, or no such encounter to leave out."""
    entries = opened.entries()
    if not entries:
        raise CatalogueError(
            f"{opened.folder} holds no photo of an animal with a name: add photos first "
            f"(`{command('add', 'PHOTOS', catalogue=folder)}`)"
        )
    if encounter and all(entry.encounter != encounter for entry in entries):
        to_stderr(f"warning: no photo in the catalogue is of an encounter {encounter!r}")


class _Run:
    """Asks about photos one by one, and keeps what is printed as JSON."""

    def __init__(
        self,
        out: Output,
        search: PhotoSearch,
        pictures: Optional[Pictures],
        asked: _Asked,
        top: int,
    ) -> None:
        self.out, self.search, self.pictures = out, search, pictures
        self.asked, self.top = asked, top
        self.answers: list[dict[str, Any]] = []
        #: By photo, where they are of one animal.
        self.found: dict[str, Identification] = {}
        self.together: Optional[dict[str, Any]] = None
        self.failed: list[dict[str, str]] = []
        self.confidences = True
        self.calibration = search.basis
        #: The last photo that something matched.
        self.matched: Optional[PhotoQuery] = None

    @property
    def done(self) -> int:
        """Photos dealt with."""
        return len(self.answers) + len(self.failed)

    def ask(self, path: Path, number: str) -> None:
        """Identify one photo and print the answer; one that cannot be used is reported."""
        try:
            with self.out.stages(f"{number}{path.name}") as tell:
                query = self._read(path)
                answered = [self._answer(query, tell)]
            if self.asked.mirror:
                with self.out.stages(f"{number}{path.name} in a mirror") as tell:
                    answered.append(self._answer(self.search.mirrored(query), tell))
        except PhotoError as problem:
            text = str(problem)
            self._fail(path, text if text.startswith(str(path)) else f"{path}: {text}")
            return
        except NotFound as problem:
            self._fail(path, f"{path}: the catalogue changed meanwhile ({problem}): ask again")
            return
        told = [self._tell(*each) for each in answered]
        self.answers.append(told[0] if len(told) == 1 else {**told[0], "mirrored": told[1]})
        _, answer, _ = answered[0]
        if answer.new_probability is not None:
            self.calibration = answer.calibration
        if any(map(has_matched, answer.candidates)):
            self.matched = query
        if self.asked.together:
            self.found[str(path)] = answer

    def _answer(
        self, query: PhotoQuery, tell: Progress
    ) -> tuple[PhotoQuery, Identification, Sequence[AnnotationRecord]]:
        """A query, its answer, and the best photos of the individuals to be listed."""
        answer = self.search.identify(query, progress=tell)
        best = [each.evidence[0].annotation for each in answer.named[: self.top]]
        return query, answer, self.search.catalogue.annotations(best)

    def _tell(
        self, query: PhotoQuery, answer: Identification, records: Sequence[AnnotationRecord]
    ) -> dict[str, Any]:
        """Print an answer and draw it, if that is wanted; it as JSON."""
        if answer.named:
            self.confidences = answer.named[0].evidence[0].matches.confidences is not None
        print_answer(self.out, query, answer, records)
        told = as_json(query, answer, records)
        if self.pictures:
            picture = self.pictures.write(self.search, query, answer)
            told["picture"] = str(picture)
            self.out.say(f"Picture: {picture}")
        return told

    def _fail(self, path: Path, text: str) -> None:
        error(text)
        self.failed.append({"path": str(path), "error": text})

    def _read(self, path: Path) -> PhotoQuery:
        asked = self.asked
        region = asked.region or self._found(path)
        query = self.search.read(path, box=region, side=asked.side, encounter=asked.encounter)
        if asked.region:
            _warn_of_clipping(query, asked.region)
        _warn_of_blank(query)
        return query

    def _found(self, path: Path) -> Optional[Box]:
        """The first box that the detector finds, if one was asked for and finds any."""
        from resight.photos import read_photo

        if self.asked.finder is None:
            return None
        found = self.asked.finder.detect(read_photo(path)[1])
        if not found:
            self.out.note(f"{path.name}: no box found, so the whole photo is asked about")
            return None
        box = found[0].box
        self.out.note(f"{path.name}: asked about the box {','.join(f'{side:g}' for side in box)}")
        return box

    def pool(self) -> None:
        """Answer about all photos that could be asked about as one animal's."""
        from resight.pooling import pool

        if not self.found:
            return
        pooled = pool(self.found)
        shown = [each.evidence[0][1].annotation for each in pooled.candidates[: self.top]]
        try:
            records = self.search.catalogue.annotations(shown)
        except NotFound as problem:
            error(f"no answer about all photos: the catalogue changed meanwhile ({problem})")
            return
        self.together = together_as_json(pooled, records)
        if self.asked.photos > 1:
            print_together(self.out, pooled, records)

    def finish(self, settings: dict[str, Any]) -> None:
        """Say by which method, what the numbers mean, and what to do next."""
        from resight.extractors import describes_whole  # loads NumPy

        method = self.search.method
        matching = getattr(method.matcher, "precision", None)
        extraction = getattr(method.extractor, "precision", None)
        whole = describes_whole(method.extractor)
        note = score_note(method.score, confidences=self.confidences, whole=whole)
        self.out.json(
            {
                "catalogue": str(self.search.catalogue.folder),
                "method": method.name,
                "fingerprint": self.search.identifier.fingerprint,
                "precision": matching,
                "extraction_precision": extraction,
                "settings": settings,
                "score": method.score,
                "score_note": note,
                "calibration": self.calibration,
                "queries": self.answers,
                **({"together": self.together} if self.asked.together else {}),
                "failed": self.failed,
            }
        )
        if not self.answers:
            return
        self.out.say()
        self.out.say(method_note(method.name, matching=matching, extraction=extraction))
        self.out.say(note)
        self.out.say(probability_note(self.calibration))
        if self.matched:
            _hint(self.out, self.matched, self.asked, pictures=self.pictures is not None)


def _warn_of_clipping(query: PhotoQuery, box: Box) -> None:
    width, height = query.photo.size
    if box.x < 0 or box.y < 0 or box.x + box.w > width or box.y + box.h > height:
        to_stderr(
            f"warning: the box leaves {query.path}, which is {width} x {height} pixels: only its "
            "part inside was asked about"
        )


def _warn_of_blank(query: PhotoQuery) -> None:
    if query.is_blank:
        to_stderr(
            f"warning: there is nothing to see in {query.path} (one colour, black or out of all "
            "focus): whatever is answered says nothing"
        )


def _hint(out: Output, query: PhotoQuery, asked: _Asked, *, pictures: bool) -> None:
    """Which command says who it is. The name is left to people: nothing here is sure of one."""
    own = [each for each in query.records if asked.region in (None, each.box)]
    words: list[object] = ["add", "PHOTO", "--individual", "NAME"]
    if asked.photos == 1 and own:
        words = ["assign", own[0].id, "--to", "NAME"]
    elif asked.photos == 1:
        side = [] if query.side == "unknown" else ["--side", query.side]
        box = ["--box", asked.box] if asked.box else []
        words = ["add", query.path, "--individual", "NAME", *side, *box]
    look = "the picture" if pictures else "the matches (--explain OUT.png)"
    out.next(
        command(*words, catalogue=asked.catalogue), when=f"if you agree when you look at {look}"
    )
