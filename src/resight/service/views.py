"""From the catalogue's records to what is told over HTTP, to whom it may be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from resight import catalogue, types
from resight.catalogue import AnnotationRecord, Catalogue
from resight.service import models
from resight.service.board import EncounterGroup, Groups, IndividualGroup
from resight.service.gate import Asker
from resight.service.store import Kept

#: Viewers see where an animal was to a tenth of a degree: some 11 km.
_DIGITS, _KILOMETRES = 1, 11.1


def annotation(record: AnnotationRecord, asker: Asker) -> models.Annotation:
    """One animal in one photo."""
    taken = record.photo.taken_at
    return models.Annotation(
        id=record.id,
        photo=record.photo.sha256,
        name=record.name,
        width=record.photo.size[0],
        height=record.photo.size[1],
        box=(*record.box,) if record.box else None,
        rotation=record.rotation,
        individual=record.individual or None,
        side=record.side,
        encounter=record.encounter or None,
        species=record.species or None,
        date=record.date or None,
        seen_on=record.seen_on or None,
        taken_at=taken.isoformat() if taken else None,
        place=record.place or None,
        position=_position(record.position or record.photo.place, asker),
        hidden=record.hidden,
        review=record.review or None,
        etag=etag_of(record),
    )


def etag_of(record: AnnotationRecord) -> str:
    """The version of an annotation, as HTTP has it (without quotes)."""
    return str(record.version)


def _position(place: types.Place | None, asker: Asker) -> models.Position | None:
    if place is None:
        return None
    if asker.may("reviewer"):
        return models.Position(latitude=place.latitude, longitude=place.longitude, precision_km=0.0)
    return models.Position(
        latitude=round(place.latitude, _DIGITS),
        longitude=round(place.longitude, _DIGITS),
        precision_km=_KILOMETRES,
    )


def encounter(
    group: EncounterGroup, why: str, answer: models.AnswerSummary | None, asker: Asker
) -> models.Encounter:
    """Photos of one animal on one occasion."""
    return models.Encounter(
        ref=group.ref,
        name=group.name or None,
        annotations=[annotation(each, asker) for each in group.records],
        individual=group.individual or None,
        seen_on=group.seen_on or None,
        place=group.place or None,
        state=group.state,
        why=why,
        answer=answer,
    )


def individual(group: IndividualGroup) -> models.Individual:
    """A named animal in numbers."""
    visible = group.visible
    days = sorted(each.seen_on for each in visible if each.seen_on)
    return models.Individual(
        name=group.name,
        notes=group.notes,
        annotations=len(visible),
        photos=len({each.photo.sha256 for each in visible}),
        encounters=len({each.encounter or each.id for each in visible}),
        sides=group.sides,
        first_seen=days[0] if days else None,
        last_seen=days[-1] if days else None,
        cover=group.cover or None,
        etag=group.version,
    )


def decisions(of: Catalogue, found: Sequence[catalogue.Decision]) -> list[models.Decision]:
    """Decisions, each with the individual that it is about, if it is one."""
    names = of.individuals_of([each.id for each in found])
    return [
        models.Decision(
            id=made.id,
            at=made.at.isoformat(),
            actor=made.actor,
            kind=made.kind,
            note=made.note,
            identification=made.identification,
            undoes=made.undoes,
            undone=made.undone,
            annotations=made.annotations,
            individual=names.get(made.id),
        )
        for made in found
    ]


def decision(of: Catalogue, made: catalogue.Decision) -> models.Decision:
    """One decision."""
    (told,) = decisions(of, [made])
    return told


def answer(kept: Kept, groups: Groups, asker: Asker) -> models.Answer:
    """A kept answer with the names that its photos' animals have now.

    Photos that have gone since are left out, and whoever has no named photo left. Animals that
    were merged since are one, as probable as they were together.
    """
    told = dict(kept.answer)
    listed: set[str] = set()
    for key in ("candidates", "passed_over"):
        together: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for said in told[key]:
            name = groups.named(each["annotation"] for each in said["photos"])
            if name and name not in listed:
                together[name].append(said)
        told[key] = sorted(
            (_candidate(name, said, groups, asker) for name, said in together.items()),
            key=lambda each: -(each.probability or 0.0),  # else as they were told
        )
        listed.update(together)
    return models.Answer(id=kept.id, at=kept.at, annotations=kept.annotations, **told)


def _candidate(
    name: str, said: Sequence[Mapping[str, Any]], groups: Groups, asker: Asker
) -> models.CandidateAnswer:
    """One animal of what was said of it, perhaps under several names."""
    probabilities = [each["probability"] for each in said]
    photos = sorted((photo for each in said for photo in each["photos"]), key=lambda p: -p["score"])
    return models.CandidateAnswer(
        individual=name,
        probability=None if None in probabilities else min(1.0, sum(probabilities)),
        score=max(each["score"] for each in said),
        photos=[
            models.MatchedPhoto(**{**each, "annotation": annotation(record, asker)})
            for each in photos
            if (record := groups.state.annotations.get(each["annotation"]))
        ],
    )
