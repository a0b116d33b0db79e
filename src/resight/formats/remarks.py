"""What a person should know of photos that are about to be added, whatever named them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from resight.catalogue import PlannedPhoto
from resight.types import Place

#: Words for an animal that is not known, named in a note.
_WORDS_TOLD = 6


def of_nobody(photos: Iterable[PlannedPhoto]) -> tuple[str, ...]:
    """A note on the words that were taken to mean that nobody knows the animal; or nothing."""
    words = Counter(each.nobody for each in photos if each.nobody)
    if not words:
        return ()
    told = ", ".join(f"{word!r} ({number})" for word, number in words.most_common(_WORDS_TOLD))
    more = f" and {len(words) - _WORDS_TOLD} other words" if len(words) > _WORDS_TOLD else ""
    return (f"taken for animals that nobody knows: {told}{more}",)


#: Before this no animal was photographed in the field.
_FIRST_PHOTOS = "1860"


def unlikely(photos: Iterable[PlannedPhoto]) -> tuple[str, ...]:
    """Warnings of dates and places that are slips or stand for "not known"; or none."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()  # it is, somewhere
    kinds: dict[str, list[str]] = {
        "have a date in the future": [],
        f"have a date before {_FIRST_PHOTOS}": [],
        "are at latitude 0, longitude 0, which stands for an unknown place in many programs": [],
    }
    future, early, nowhere = kinds.values()
    for each in photos:
        if each.date[:10] > tomorrow[: len(each.date)]:
            future.append(f"{each.source}: {each.date}")
        elif each.date and each.date < _FIRST_PHOTOS:
            early.append(f"{each.source}: {each.date}")
        if each.position == Place(0, 0):
            nowhere.append(each.source)
    return tuple(
        f"photos that {what}: {len(found)}, such as {found[0]}"
        for what, found in kinds.items()
        if found
    )
