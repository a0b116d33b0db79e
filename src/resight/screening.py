"""What a cheap look at photos found in them, and which of them it was the most in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Union

from resight.matchers import Matcher
from resight.method import Screen
from resight.ranking import best_of
from resight.turning import View
from resight.types import Features, GalleryEntry, Matches

#: A gallery photo and its features.
Photo = tuple[GalleryEntry, Features]


@dataclass(frozen=True, eq=False)
class Seen:
    """A photo and what was found in it from a view of the query."""

    photo: Photo
    matches: Matches
    view: View

    @property
    def entry(self) -> GalleryEntry:
        return self.photo[0]

    @property
    def individual(self) -> str:
        return self.entry.individual

    @property
    def score(self) -> float:
        return float(self.matches.scores.sum())


def seen_by(matcher: Union[Matcher, Screen], view: View, photos: Sequence[Photo]) -> list[Seen]:
    """Photos looked at by a screen, or by its matcher: that sees all keypoints."""
    found = matcher.match(view.features, [features for _, features in photos])
    return [Seen(*each, view) for each in zip(photos, found, strict=True)]


def highest(seen: Sequence[Seen]) -> dict[str, float]:
    """The highest score of each individual."""
    scores: dict[str, float] = {}
    for each in seen:
        scores[each.individual] = max(each.score, scores.get(each.individual, 0.0))
    return scores


def best_seen(seen: Sequence[Seen], limit: int) -> list[Seen]:
    """The best photo of each individual, the best individuals first."""
    return [best for _, best in best_of([(each.score, each) for each in seen], limit, each=1)]


def close(seen: Sequence[Seen], limit: int, share: float) -> list[Seen]:
    """The best photo of each individual that comes to such a share of the best score of all."""
    least = share * max((each.score for each in seen), default=0.0)
    return best_seen([each for each in seen if each.score >= least], limit)


def by_view(seen: Sequence[Seen], at_once: int) -> Iterator[tuple[View, list[Photo]]]:
    """Their photos, no more at once than that and of one view."""
    views: dict[View, list[Photo]] = {}
    for each in seen:
        views.setdefault(each.view, []).append(each.photo)
    for view, photos in views.items():
        for start in range(0, len(photos), at_once):
            yield view, photos[start : start + at_once]
