"""The order of the queue, and names for new animals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resight.catalogue import AnnotationRecord
from resight.service.board import EncounterGroup, in_order, proposed_name
from resight.service.models import AnswerSummary, Verdict
from resight.types import Photo


def record(id: str, individual: str = "", review: str = "", date: str = "") -> AnnotationRecord:
    photo = Photo("0" * 64, (10, 10), "PNG", 100)
    return AnnotationRecord(
        id, photo, "a.png", None, 0.0, individual, "left", "", "", date, "", None, False, review
    )


def group(ref: str, *records: AnnotationRecord) -> EncounterGroup:
    return EncounterGroup(ref, ref, records or (record(ref),))


def said(verdict: Verdict, chance: float) -> AnswerSummary:
    new = chance if verdict == "new" else 1 - chance
    return AnswerSummary(
        id=1,
        verdict=verdict,
        first="Crush",
        photo=None,
        probability=1 - chance if verdict == "new" else chance,
        new_probability=new,
    )


def test_what_needs_a_glance_comes_first_and_what_was_put_off_last() -> None:
    answers = {
        "sure": said("known", 0.95),
        "surer new": said("new", 0.99),
        "weigh": said("undecided", 0.6),
        "skipped": said("known", 0.99),
    }
    groups = [
        group("skipped", record("s", review="skip")),
        group("done", record("d", "Crush")),
        group("one old", record("o", date="2019")),
        group("one new", record("n", date="2021-05")),
        group("two", record("t"), record("u")),
        group("weigh"),
        group("sure"),
        group("surer new"),
        group("half", record("h", "Crush"), record("i")),
    ]
    ranked = in_order(groups, {each.ref: answers.get(each.ref) for each in groups})
    assert [each.ref for each, _ in ranked] == [
        "half", "surer new", "sure", "weigh", "two", "one new", "one old", "skipped", "done",
    ]  # fmt: skip
    why = {each.ref: text for each, text in ranked}
    assert why["sure"] == "sure enough to need a glance: Crush, 95%"
    assert why["two"] == "not asked about yet; 2 photos"


@pytest.mark.parametrize(("chance", "told"), [(0.6, "Crush, 60%"), (0.3, "a new animal, 70%")])
def test_an_answer_to_be_weighed_names_what_is_likeliest(chance: float, told: str) -> None:
    one = group("weigh")
    ((_, why),) = in_order([one], {"weigh": said("undecided", chance)})
    assert why == f"to be weighed: likeliest is {told}"


@pytest.mark.parametrize(
    ("marks", "named", "state"),
    [
        (("", ""), ("", ""), "unresolved"),
        (("", ""), ("A", ""), "unresolved"),
        (("", ""), ("A", "A"), "resolved"),
        (("unsure", ""), ("", ""), "unsure"),
        (("unsure", "second_opinion"), ("A", "A"), "second_opinion"),
        (("skip", ""), ("", ""), "unresolved"),
    ],
)
def test_an_encounter_is_as_far_as_its_photos_say(
    marks: tuple[str, str], named: tuple[str, str], state: str
) -> None:
    records = [
        replace(record(str(n)), review=mark, individual=name)
        for n, (mark, name) in enumerate(zip(marks, named, strict=True))
    ]
    assert group("e", *records).state == state


@pytest.mark.parametrize(
    ("names", "proposed"),
    [
        ([], "new-1"),
        (["Crush"], "new-1"),
        (["T007", "T012", "Crush"], "T013"),
        (["T9"], "T10"),
        (["new-1"], "new-2"),
        (["A1", "B1", "B2"], "B3"),
        (["1", "2"], "3"),
        (["T007", "T008", "t009"], "T010"),  # the catalogue refuses names that differ in case only
    ],
)
def test_a_name_follows_those_that_there_are(names: list[str], proposed: str) -> None:
    assert proposed_name(names) == proposed
