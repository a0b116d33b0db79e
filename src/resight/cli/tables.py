"""Tables of what a catalogue holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from resight.cli.output import Column, Output, count

if TYPE_CHECKING:
    from resight.catalogue import AnnotationRecord, Decision, IndividualSummary, MergedDecision


def individual_table(out: Output, individuals: Sequence[IndividualSummary]) -> None:
    """Individuals, as ``list`` prints them."""
    out.table(
        [
            Column("Individual", fold=True),
            Column("Photos", right=True),
            Column("Encounters", right=True),
            Column("Sides", fold=True),
            Column("First seen"),
            Column("Last seen"),
        ],
        [
            (
                each.name + (f" ({each.hidden} hidden)" if each.hidden else ""),
                each.photos,
                each.encounters or "–",
                ", ".join(f"{side} {number}" for side, number in each.sides.items()),
                each.first_seen,
                each.last_seen,
            )
            for each in individuals
        ],
    )
    photos = sum(each.photos for each in individuals)
    out.say(f"{count(len(individuals), 'individual')}, {count(photos, 'photo')}")


def decision_table(
    out: Output, decisions: Sequence[Decision], individuals: Mapping[int, str]
) -> None:
    """Decisions, as ``show`` and ``log`` print them, and by their id whom they are about."""
    out.table(
        [
            Column("Decision", right=True),
            Column("When (UTC)"),
            Column("Who", fold=True),
            Column("What", fold=True),
            Column("Photos", right=True),
        ],
        [
            (
                each.id,
                f"{each.at:%Y-%m-%d %H:%M}",
                each.actor,
                each.kind
                + (f" {each.undoes}" if each.undoes else "")
                + (f" {individuals[each.id]}" if each.id in individuals else "")
                + (" (undone)" if each.undone else "")
                + (f": {each.note}" if each.note else ""),
                each.annotations,
            )
            for each in decisions
        ],
    )


def log_of(out: Output, decisions: Sequence[Decision], individuals: Mapping[int, str]) -> None:
    """As ``log`` prints it, for people or programs."""
    told = [{**asdict(each), "individual": individuals.get(each.id)} for each in decisions]
    out.json({"decisions": told})
    decision_table(out, decisions, individuals)


def merged_table(out: Output, decisions: Sequence[MergedDecision]) -> None:
    """What other catalogues had decided, as ``show`` prints it."""
    out.table(
        [
            Column("Catalogue", fold=True),
            Column("When (UTC)"),
            Column("Who", fold=True),
            Column("What", fold=True),
        ],
        [
            (
                each.origin,
                f"{each.at:%Y-%m-%d %H:%M}",
                each.actor,
                each.kind + (f": {each.note}" if each.note else ""),
            )
            for each in decisions
        ],
    )


def annotation_table(
    out: Output, records: Sequence[AnnotationRecord], *, named: bool = True
) -> None:
    """Annotations, as ``show`` and ``list --unknown`` print them.

    ``named``: with the individual of each.
    """
    out.table(
        [
            Column("Id"),
            Column("Photo", fold=True),
            Column("Individual", fold=True),
            Column("Hidden"),
            Column("Side"),
            Column("Seen"),
            Column("Encounter", fold=True),
        ],
        [
            (
                each.id,
                each.name,
                (each.individual or "unknown") if named else "",
                "hidden" if each.hidden else "",
                each.side,
                each.seen_on or "–",
                each.encounter or "–",
            )
            for each in records
        ],
    )
