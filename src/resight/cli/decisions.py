"""Commands that decide who is in which photo, and take decisions back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from resight.cli.hints import command
from resight.cli.lookup import found, mistaken_for, opened_in, warn_of_new
from resight.cli.options import HERE, AsJson, By, CatalogueFolder, Note, Quiet, actor, box_of
from resight.cli.output import Output, count, few
from resight.cli.tables import log_of

if TYPE_CHECKING:
    from resight.catalogue import Catalogue, Change, Decision
    from resight.masks import Mask

#: Photos or individuals of a decision that are named.
_NAMED = 3

What = Annotated[
    list[str],
    typer.Argument(
        metavar="WHAT", help="Photos, annotation ids, or individuals (all their photos)."
    ),
]


def assign(
    what: What,
    to: Annotated[
        str,
        typer.Option("--to", metavar="NAME", help="The individual; `unknown` for nobody known."),
    ],
    identification: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="The answer this rests on: the fingerprint `resight identify --json` gives.",
            show_default=False,
        ),
    ] = "",
    by: By = "",
    note: Note = "",
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say which individual photos show: to confirm, correct, merge or rename.

    Examples:
      resight assign IMG_0412.jpg --to Donatello
      resight assign "Turtle 17" --to Raphael --note "same scar on the left flipper"

    Next: resight show NAME; resight undo takes it back
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        annotations = _all_found(opened, what)
        near = mistaken_for(opened, to)
        decision = opened.assign(
            annotations, to, actor=actor(by), note=note, identification=identification
        )
        changes = _of_photos(opened, decision)
        which = _which(opened, changes)
    before = dict.fromkeys((each.before or {})["individual"] or "nobody" for each in changes)
    if near:
        warn_of_new(to, near, command("undo", decision.id, catalogue=catalogue))
    out.json(decision)
    name = (changes[0].after or {})["individual"] or "nobody known"
    out.say(f"Decision {decision.id}: {which} now of {name}, before of {few(before, _NAMED)}")


def describe(
    what: What,
    side: Annotated[
        Optional[str],
        typer.Option(
            metavar="SIDE", help="Which side: left, right, top, topleft …", show_default=False
        ),
    ] = None,
    encounter: Annotated[
        Optional[str],
        typer.Option(metavar="NAME", help="The occasion, of one animal.", show_default=False),
    ] = None,
    species: Annotated[
        Optional[str], typer.Option(metavar="NAME", help="The species.", show_default=False)
    ] = None,
    date: Annotated[
        Optional[str],
        typer.Option(
            metavar="DATE",
            help="When it was seen: 2024, 2024-05, 2024-05-03 or 2024-05-03T10:11.",
            show_default=False,
        ),
    ] = None,
    place: Annotated[
        Optional[str], typer.Option(metavar="NAME", help="Where.", show_default=False)
    ] = None,
    box: Annotated[
        Optional[str],
        typer.Option(
            metavar="X,Y,W,H",
            help='Where the animal is, in pixels of the upright photo; "" is all of it.',
            show_default=False,
        ),
    ] = None,
    rotation: Annotated[
        Optional[float],
        typer.Option(
            metavar="DEGREES",
            help="By how much the animal is turned in the upright photo, counter-clockwise.",
            show_default=False,
        ),
    ] = None,
    mask: Annotated[
        Optional[str],
        typer.Option(
            metavar="FILE",
            help="Which part is the animal: a picture of one upright photo, white on black, "
            'or COCO\'s JSON; "" leaves it to the program.',
            show_default=False,
        ),
    ] = None,
    by: By = "",
    note: Note = "",
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Correct what is said about photos: side, encounter, date, place, box or mask.

    Only what is given changes; "" makes it not known. Who it is: resight assign.

    Examples:
      resight describe IMG_0412.jpg --side left
      resight describe Donatello --place "Klein Bonaire" --date 2024-05
      resight describe IMG_0412.jpg --encounter ""
      resight describe IMG_0412.jpg --box 310,120,900,700 --mask animal.png

    Next: resight show NAME; resight undo takes it back
    """
    facts: dict[str, Any] = {
        "side": side, "encounter": encounter, "species": species, "date": date, "place": place,
        "box": box and box_of(box), "rotation": rotation, "mask": mask,
    }  # fmt: skip
    if all(each is None for each in facts.values()):
        raise typer.BadParameter(f"say what to correct: {', '.join(f'--{fact}' for fact in facts)}")
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        annotations = _all_found(opened, what)
        if mask:
            facts["mask"] = _mask_of(opened, annotations, mask)
        decision = opened.describe(annotations, **facts, actor=actor(by), note=note)
        changes = _of_photos(opened, decision)
        which = _which(opened, changes)
    out.json(decision)
    after = changes[0].after or {}
    said = ", ".join(_told(fact, after[fact]) for fact in facts if fact in after)
    out.say(f"Decision {decision.id}: {said} for {which}")


def hide(
    what: What,
    unhide: Annotated[
        bool, typer.Option("--unhide", help="Take them in again.", show_default=False)
    ] = False,
    by: By = "",
    note: Note = "",
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Leave photos out of lists and searches, without losing them.

    Examples:
      resight hide IMG_0388.jpg --note "too blurred to tell"
      resight hide IMG_0388.jpg --unhide

    Next: resight list; resight undo takes it back
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        annotations = _all_found(opened, what)
        decision = opened.hide(annotations, actor=actor(by), note=note, hidden=not unhide)
        which = _which(opened, _of_photos(opened, decision)) if decision else ""
    out.json(decision)
    done = "shown again" if unhide else "hidden"
    if decision is None:
        out.say(f"Nothing to do: {'not hidden' if unhide else 'hidden'} already")
    else:
        out.say(f"Decision {decision.id}: {which} {done}")


def undo(
    decision: Annotated[
        Optional[int],
        typer.Argument(
            metavar="DECISION", help="Its number; the last one that stands if not given."
        ),
    ] = None,
    by: By = "",
    note: Note = "",
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Take a decision back. An undo is a decision too, and can be undone.

    Examples:
      resight undo
      resight undo 17 --note "that was Raphael"

    Next: resight log
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        made = opened.undo(decision, actor=actor(by), note=note)
        undone = opened.decision(made.undoes) if made.undoes else made
    out.json(made)
    said = f"{undone.kind}" + (f", {undone.note}" if undone.note else "")
    out.say(
        f"Decision {made.id}: took back {undone.id} ({said}), "
        f"which touched {count(made.annotations, 'photo')}"
    )
    out.next(command("undo", made.id, catalogue=catalogue), when="if this was a mistake")


def log(
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many, newest first.")] = 20,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List decisions: who said what of whom, when, and what was taken back.

    Example:
      resight log --limit 100

    Next: resight undo DECISION
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        decisions = opened.decisions(limit=limit)
        individuals = opened.individuals_of([each.id for each in decisions])
    log_of(out, decisions, individuals)


def purge(
    photo: Annotated[
        str, typer.Argument(metavar="PHOTO", help="Its file name, sha256 or annotation's id.")
    ],
    confirm: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The photo's file name (or whole sha256) again. Asked for if not given.",
            show_default=False,
        ),
    ] = "",
    by: By = "",
    note: Note = "",
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove a photo for good, with all that was derived from it. Cannot be undone.

    Only the log keeps that it was there. Backups made before still hold it. To
    leave a photo out of searches, resight hide is enough.

    Example:
      resight purge IMG_0399.jpg --confirm IMG_0399.jpg --note "shows a diver's face"

    Next: resight backup FILE, and delete older backups
    """
    out = Output(quiet=quiet, as_json=as_json)
    with opened_in(catalogue) as opened:
        original = opened.original(photo)
        if not confirm and sys.stdin.isatty():
            out.note(f"{photo} is kept as {original}")
            confirm = typer.prompt("Its file name again, to remove it for good", err=True)
        purged = opened.purge(photo, confirm=confirm, actor=actor(by), note=note)
    out.json(purged)
    out.say(
        f"Decision {purged.decision.id}: removed photo {purged.name} ({purged.photo[:12]}) "
        f"and {count(purged.annotations, 'annotation')} for good"
    )


def _mask_of(catalogue: Catalogue, annotations: Sequence[str], file: str) -> Mask:
    """The mask in a file, of the one photo that is meant."""
    from resight.formats.maskfile import read_mask

    if len(annotations) != 1:
        raise typer.BadParameter(
            f"--mask is of one photo, but {count(len(annotations), 'photo')} would get it"
        )
    photo = catalogue.annotations(annotations)[0].photo
    return read_mask(Path(file), photo.size)


def _told(fact: str, value: str | float) -> str:
    """What a decision says of a photo, in a few words."""
    if fact == "mask":
        from resight.masks import mask_told

        return mask_told(str(value))
    if fact == "box":
        return f"box {value or 'all of the photo'}"
    if fact == "rotation":
        return f"turned by {value:g}°"
    return f"{fact} {value or 'not known'}"


def _of_photos(catalogue: Catalogue, decision: Decision) -> list[Change]:
    """What a decision changed about photos; there may be notes among it as well."""
    return [each for each in catalogue.changes(decision.id) if each.annotation]


def _which(catalogue: Catalogue, changes: Sequence[Change]) -> str:
    """How many photos a decision changed, and what they are called."""
    ids = [each.annotation for each in changes]
    names = sorted(each.name for each in catalogue.annotations(ids))
    return f"{count(len(ids), 'photo')} ({few(names, _NAMED)})"


def _all_found(catalogue: Catalogue, what: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(id for each in what for id in found(catalogue, each)))
