"""Pairs of a gallery from which to learn how same and different animals look.

Only pairs inside the gallery are used, never a query: what is learned from the
photos that are asked about later would flatter the answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations, product

import numpy as np

from resight.identify import Gallery
from resight.method import Method
from resight.scoring import KnownPair, KnownPairs
from resight.types import GalleryEntry, sides_meet

Pair = tuple[GalleryEntry, GalleryEntry]

#: Random draws for each pair wanted, before those that may meet are listed instead.
_DRAWS = 50


def match_known_pairs(
    gallery: Gallery,
    method: Method,
    *,
    side_policy: str = "compatible",
    pairs: int = 200,
    seed: int = 0,
) -> KnownPairs:
    """Match up to ``pairs`` pairs of each kind, for the scores ``DISTRIBUTION_SCORES``.

    Non-matching pairs are of different individuals; matching ones of the same
    individual in two encounters, both known: photos of one occasion look alike
    for other reasons than the animal. Both kinds only between photos that the
    side policy lets meet. Too few pairs to choose from are all used; there are
    none where the matcher has no confidences. The same gallery and seed give
    the same pairs.
    """
    entries = [entry for entry in gallery.entries() if entry.individual]
    rng = np.random.default_rng(seed)
    different = non_matching_pairs(entries, side_policy, pairs, rng)
    same = matching_pairs(entries, side_policy, pairs, rng)
    return KnownPairs(
        different=tuple(_matched(gallery, method, different)),
        same=tuple(_matched(gallery, method, same)),
        fingerprint=method.matching_fingerprint,
    )


def non_matching_pairs(
    entries: Sequence[GalleryEntry], side_policy: str, limit: int, rng: np.random.Generator
) -> list[Pair]:
    """Up to ``limit`` distinct pairs of different individuals: random, where many may meet."""
    found: dict[tuple[int, int], Pair] = {}
    if len(entries) < 2:
        return []
    drawn = rng.integers(len(entries), size=(_DRAWS * limit, 2)).tolist()
    for first, second in chain(drawn, _strangers(entries, side_policy)):
        one, other = entries[first], entries[second]
        if one.individual != other.individual and _may_meet(one, other, side_policy):
            found.setdefault((min(first, second), max(first, second)), (one, other))
        if len(found) == limit:
            break
    return list(found.values())


def _strangers(entries: Sequence[GalleryEntry], side_policy: str) -> Iterator[tuple[int, int]]:
    """Indices of all pairs of different individuals whose sides meet.

    By groups, so that many photos of one individual and side, the reason why
    random draws run out, are skipped at once.
    """
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, entry in enumerate(entries):
        groups[entry.individual, entry.side].append(index)
    for (one, some), (other, others) in combinations(groups.items(), 2):
        if one[0] != other[0] and sides_meet(one[1], other[1], side_policy):
            yield from product(some, others)


def matching_pairs(
    entries: Sequence[GalleryEntry], side_policy: str, limit: int, rng: np.random.Generator
) -> list[Pair]:
    """Up to ``limit`` random pairs of one individual in two known encounters."""
    photos: dict[str, list[GalleryEntry]] = defaultdict(list)
    for entry in entries:
        if entry.encounter:
            photos[entry.individual].append(entry)
    found = [
        (one, other)
        for own in photos.values()
        for position, one in enumerate(own)
        for other in own[position + 1 :]
        if one.encounter != other.encounter and _may_meet(one, other, side_policy)
    ]
    if len(found) <= limit:
        return found
    return [found[index] for index in sorted(rng.choice(len(found), limit, replace=False))]


def _may_meet(one: GalleryEntry, other: GalleryEntry, side_policy: str) -> bool:
    return one.photo != other.photo and sides_meet(one.side, other.side, side_policy)


def _matched(gallery: Gallery, method: Method, pairs: Iterable[Pair]) -> Iterator[KnownPair]:
    """The pairs that have confidences."""
    partners: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        partners[pair[0].annotation].append(pair)
    for annotation, own in partners.items():
        query, *others = gallery.features(
            [annotation, *(other.annotation for _, other in own)],
            method.extractor,
            long_edge=method.long_edge,
            margin=method.margin,
        )
        if query is None:
            continue
        there = [
            (pair, other) for pair, other in zip(own, others, strict=True) if other is not None
        ]
        results = method.matcher.match(query, [other for _, other in there])
        for (pair, _), matches in zip(there, results, strict=True):
            if matches.confidences is not None:
                yield KnownPair(
                    matches.confidences,
                    photos=frozenset(entry.photo for entry in pair),
                    encounters=frozenset(entry.encounter for entry in pair if entry.encounter),
                    individuals=frozenset(entry.individual for entry in pair),
                )
