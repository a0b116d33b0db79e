"""How often the right animal is found: every annotation asked of all the others."""

from __future__ import annotations

from collections.abc import Sequence


def recognised(
    names: Sequence[int], scores: Sequence[Sequence[float]], ranks: Sequence[int]
) -> dict[int, float]:
    """For each rank, the share of annotations whose animal is among so many first animals.

    ``names`` is the animal of each annotation, below 0 if unknown; ``scores[i]`` are those of
    annotation i with the others in order. An animal scores as its best annotation. Annotations
    without a name or whose animal has no other are not counted; 0 if none is left.

    >>> recognised([7, 7, 8], [[0.9, 0.1], [0.2, 0.3], [0.4, 0.5]], ranks=(1, 2))
    {1: 0.5, 2: 1.0}
    """
    found = []
    for i, own in enumerate(names):
        best: dict[int, float] = {}
        for name, score in zip([*names[:i], *names[i + 1 :]], scores[i], strict=True):
            best[name] = max(score, best.get(name, score))
        if own >= 0 and own in best:
            found.append(sorted(best, key=lambda name: -best[name]).index(own))
    return {rank: sum(each < rank for each in found) / max(1, len(found)) for rank in ranks}
