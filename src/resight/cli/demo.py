"""The command that shows what resight does, on drawn animals."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resight.cli.answers import NO_PROBABILITY, method_note, probability_note
from resight.cli.hints import command
from resight.cli.options import AsJson, Quiet, Set
from resight.cli.output import Column, Output, count, stopped
from resight.verdicts import percent

if TYPE_CHECKING:
    from resight.demo import Demo
    from resight.settings import Settings


def demo(
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where to put it; may be deleted after.")
    ] = Path("resight-demo"),
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="Open the review desk on drawn animals that nobody has named yet."
        ),
    ] = False,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="With --serve: where.")
    ] = 8000,
    set_: Set = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """See it work, in seconds and offline, on animals that are drawn.

    Makes a catalogue of eight drawn animals, asks who is on new photos of some of
    them and of two others, and draws why. All of it is in one folder. Run again, it
    uses what is there.

    Examples:
      resight demo
      resight demo --serve

    Next: open resight-demo/matches/new-1.png, then resight init for your own photos
    """
    from resight.demo import run_demo
    from resight.settings import load_settings

    out = Output(quiet=quiet, as_json=as_json)
    settings = load_settings(set_ or ())
    if serve:
        _serve(out, folder, settings, port=port, set_=set_ or [])
        return
    out.note(f"Working in {folder.resolve()}: drawn animals, no real ones; delete it when done.")
    try:
        with out.progress("Starting") as step:
            done = run_demo(
                folder, settings, progress=lambda what, done, total: step(done, total, what)
            )
    except KeyboardInterrupt:
        raise stopped(f"the same command continues in {folder}") from None
    out.json({**asdict(done), "right": done.right, "known": len(done.known)})
    _print(out, done)


def _serve(out: Output, folder: Path, settings: Settings, *, port: int, set_: list[str]) -> None:
    from resight.cli.serve import serve
    from resight.demo import QUICK, draw_desk

    out.note(f"Working in {folder.resolve()}: drawn animals, no real ones; delete it when done.")
    try:
        with out.progress("Starting") as step:
            made = draw_desk(
                folder, settings, progress=lambda what, done, total: step(done, total, what)
            )
    except KeyboardInterrupt:
        raise stopped(f"the same command continues in {folder}") from None
    quick = [f"{name}={value}" for name, value in QUICK.items()]
    serve(
        host="127.0.0.1",
        port=port,
        add_user="",
        role="viewer",
        set_=[*quick, *set_],
        catalogue=made,
        quiet=out.quiet,
    )


def _print(out: Output, done: Demo) -> None:
    out.say(
        f"A catalogue of {count(done.individuals, 'drawn animal')}, {count(done.photos, 'photo')}; "
        f"{count(len(done.asked), 'new photo')} asked about:"
    )
    out.say()
    out.table(
        [
            Column("New photo"),
            Column("Shows", fold=True),
            Column("Answer", fold=True),
            Column("Probability", right=True),
            Column("New animal", right=True),
            Column(done.score, right=True),
            Column("Second", right=True),
            Column("Inliers", right=True),
            Column("Right?"),
        ],
        [
            (
                each.photo.name,
                each.shows,
                each.answer,
                "–" if each.probability is None else percent(each.probability),
                "–" if each.new_probability is None else percent(each.new_probability),
                f"{each.score:.1f}",
                "none close" if each.second is None else f"{each.second:.1f}",
                each.inliers,
                ("yes" if each.answer == each.truth else "no")
                if each.truth
                else "not in the catalogue",
            )
            for each in done.asked
        ],
    )
    out.say()
    out.say(
        f"{done.right} of {len(done.known)} known animals were answered right; "
        f"{len(done.asked) - len(done.known)} animals are not in the catalogue."
    )
    out.say(
        "The most alike animal is always named, so a new animal gets a name too: look how "
        f"improbable it is, and how low its score. {done.score} is {NO_PROBABILITY}."
    )
    out.say(probability_note(done.calibration))
    method = method_note(done.method, matching=done.precision, extraction=done.extraction_precision)
    out.say(f"{method}; {done.seconds:.0f} s in all.")
    best = max(done.known, key=lambda each: each.score)
    out.say(f"Why: {best.picture} and the others beside it.")
    mine = Path("my-animals")
    out.note("next, with your own photos, a subfolder for each animal:")
    for advised in (
        command("init", mine),
        command("add", "PHOTOS", catalogue=mine),
        command("identify", "NEW-PHOTO.jpg", "--explain", "why.png", catalogue=mine),
    ):
        out.note(f"  {advised}", whole=True)
    out.note(f"or look around here: {command('list', catalogue=done.catalogue)}", whole=True)
