"""The command that boxes the animals on photos."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from resight.cli.hints import command
from resight.cli.lookup import opened_in, photos_in
from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet, Set
from resight.cli.output import Column, Output, count, error, exit_code, stopped
from resight.errors import PhotoError

if TYPE_CHECKING:
    from resight.catalogue import Catalogue
    from resight.detect import Detection, Detector
    from resight.settings import Settings

_COLUMNS = ("path", "x", "y", "w", "h", "score", "label")
#: The detector that the catalogue's own boxes teach.
CATALOGUE = "catalogue"
_LONG_EDGE = 1024  # of pictures


def detect(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO|FOLDER", help="Photos, or folders of them.")
    ],
    detector: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE.onnx",
            help="`salient` boxes what stands out; `catalogue` the part that the boxes of your "
            "catalogue's photos are drawn around; or your own YOLO (v5 to v11), RT-DETR or "
            "MegaDetector v5 as an ONNX file.",
        ),
    ] = "salient",
    least: Annotated[
        float, typer.Option(metavar="P", min=0, max=1, help="Leave out boxes less sure than this.")
    ] = 0.2,
    csv_: Annotated[
        Optional[Path],
        typer.Option(
            "--csv",
            metavar="OUT.csv",
            help="Write a row for each box, a table that `resight add` takes.",
            show_default=False,
        ),
    ] = None,
    draw: Annotated[
        Optional[Path],
        typer.Option(metavar="DIR", help="Write each photo with its boxes.", show_default=False),
    ] = None,
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find the animals on photos: a box for each.

    Nothing is added to the catalogue. Look at the boxes (--draw), correct the table if
    you like, and add the photos by it: each box becomes an animal of its own.

    Examples:
      resight detect today/ --csv boxes.csv --draw boxes/
      resight detect today/ --detector catalogue --csv heads.csv
      resight detect IMG_0412.jpg --detector md_v5a.onnx --least 0.5

    Next: resight add boxes.csv --photos today/
    """
    from resight.settings import load_settings

    out = Output(quiet=quiet, as_json=as_json)
    paths = photos_in(photos)
    values = load_settings(set_ or (), catalogue=catalogue)
    with ExitStack() as stack:
        opened = stack.enter_context(opened_in(catalogue)) if detector == CATALOGUE else None
        finder = finder_of(out, detector, opened, values)
    found: list[tuple[Path, list[Detection]]] = []
    failed: list[dict[str, str]] = []
    try:
        with out.progress("Looking for animals", len(paths)) as step:
            for number, path in enumerate(paths, start=1):
                try:
                    found.append((path, _look(finder, path, least, draw)))
                except PhotoError as problem:
                    error(str(problem))
                    failed.append({"path": str(path), "error": str(problem)})
                step(number)
    except KeyboardInterrupt:
        _report(out, found, failed, csv_, detector, finder)
        raise stopped(
            f"{len(found) + len(failed)} of {count(len(paths), 'photo')} were looked at"
        ) from None
    base = _report(out, found, failed, csv_, detector, finder)
    if csv_ and found:
        out.next(
            command("add", csv_, "--photos", base, catalogue=catalogue),
            when="once the boxes are right",
        )
    raise typer.Exit(exit_code(len(found), len(failed)))


def finder_of(
    out: Output, detector: str, catalogue: Optional[Catalogue], values: Settings
) -> Detector:
    """The detector of that name; ``catalogue`` is needed for the one that it teaches.

    Says how well what was learned finds boxes again.
    """
    from resight.registry import build_detector

    if detector != CATALOGUE or catalogue is None:
        with out.progress("Loading the detector"):
            return build_detector(detector, values)
    from resight.boxing import learned_detector

    with out.progress("Learning from boxed photos") as step:
        finder, model = learned_detector(catalogue, values, progress=step)
    out.note(
        f"learned from {model.boxes} boxes of {count(model.animals, 'animal')}: of animals left "
        f"out, {model.found:.0%} were found again (half of both boxes shared)"
    )
    return finder


def _look(finder: Detector, path: Path, least: float, draw: Optional[Path]) -> list[Detection]:
    from resight.draw import draw_boxes, write_png
    from resight.photos import read_photo

    _, pixels = read_photo(path)
    boxes = [each for each in finder.detect(pixels) if each.score >= least]
    if draw:
        draw.mkdir(parents=True, exist_ok=True)
        picture = draw_boxes(
            pixels,
            [(each.box, f"{each.label} {each.score:.2f}".strip()) for each in boxes],
            long_edge=_LONG_EDGE,
        )
        write_png(draw / f"{path.name}.png", picture)
    return boxes


def _report(
    out: Output,
    found: Sequence[tuple[Path, Sequence[Detection]]],
    failed: Sequence[dict[str, str]],
    table: Optional[Path],
    detector: str,
    finder: Detector,
) -> Path:
    """Print and write what was found; the folder that paths in the table start from."""
    from resight.files import write_whole
    from resight.formats.table import csv_bytes

    base = Path(os.path.commonpath([path.absolute().parent for path, _ in found] or [Path.cwd()]))
    rows: list[tuple[Any, ...]] = []
    for path, boxes in found:
        name = path.absolute().relative_to(base).as_posix()
        # A photo without a box stays in the table: it is added as a whole.
        rows += [(name, *each.box, round(each.score, 3), each.label) for each in boxes] or [
            (name, *[""] * (len(_COLUMNS) - 1))
        ]
    if table:
        cells = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        write_whole(table, csv_bytes(_COLUMNS, cells))
    out.json(
        {
            "detector": detector,
            "fingerprint": finder.fingerprint,
            "photos": [
                {
                    "path": str(path),
                    "boxes": [
                        {"box": list(each.box), "score": each.score, "label": each.label}
                        for each in boxes
                    ],
                }
                for path, boxes in found
            ],
            "failed": failed,
        }
    )
    _print(out, rows)
    without = sum(not boxes for _, boxes in found)
    boxed = sum(len(boxes) for _, boxes in found)
    none = f"; none on {count(without, 'other')}" if without else ""
    out.say(f"{count(boxed, 'box', 'boxes')} on {count(len(found) - without, 'photo')}{none}")
    return base


def _print(out: Output, rows: Sequence[tuple[Any, ...]]) -> None:
    out.table(
        [
            Column("Photo", fold=True),
            Column("Box x, y, w, h", right=True),
            Column("Score", right=True),
            Column("Kind"),
        ],
        [
            (name, ", ".join(f"{side:.0f}" for side in box) if score != "" else "none", score, kind)
            for name, *box, score, kind in rows
        ],
    )
