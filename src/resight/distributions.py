"""Learn from a gallery how confidences of same and of different animals look.

Only pairs inside the gallery are used, never a query: what is learned from the
photos that are asked about later would flatter the answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations, product
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from resight.identify import Gallery, Method
from resight.scoring import ScoreDistributions
from resight.types import GalleryEntry, sides_meet

Pair = tuple[GalleryEntry, GalleryEntry]

#: Scores that need what is learned here.
LEARNED_SCORES = frozenset({"wasserstein_h0", "wasserstein_h1", "mean_shift"})
#: Random draws for each pair wanted, before those that may meet are listed instead.
_DRAWS = 50


def learn_distributions(
    gallery: Gallery,
    method: Method,
    *,
    side_policy: str = "compatible",
    pairs: int = 200,
    seed: int = 0,
) -> ScoreDistributions:
    """Pool the confidences of up to ``pairs`` pairs of each kind.

    Non-matching pairs are of different individuals; matching ones of the same
    individual in two encounters, both known: photos of one occasion look alike
    for other reasons than the animal. Both kinds only between photos that the
    side policy lets meet. Too few pairs to choose from are all used; a pool
    without any is ``None``, as are both where the matcher has no confidences.
    The same gallery and seed give the same pools.
    """
    entries = [entry for entry in gallery.entries() if entry.individual]
    rng = np.random.default_rng(seed)
    return ScoreDistributions(
        null=_pool(gallery, method, non_matching_pairs(entries, side_policy, pairs, rng)),
        match=_pool(gallery, method, matching_pairs(entries, side_policy, pairs, rng)),
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


def _pool(gallery: Gallery, method: Method, pairs: Iterable[Pair]) -> Optional[NDArray[np.float32]]:
    """Sorted confidences of all pairs, or ``None`` if there are none."""
    partners: dict[str, list[str]] = defaultdict(list)
    for one, other in pairs:
        partners[one.annotation].append(other.annotation)
    found: list[NDArray[np.float32]] = []
    for annotation, others in partners.items():
        query, *rest = gallery.features(
            [annotation, *others],
            method.extractor,
            long_edge=method.long_edge,
            margin=method.margin,
        )
        for matches in method.matcher.match(query, rest):
            if matches.confidences is not None:
                found.append(matches.confidences)
    values = np.concatenate(found) if found else np.zeros(0, np.float32)
    return np.sort(values) if len(values) else None
