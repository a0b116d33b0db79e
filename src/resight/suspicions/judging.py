"""What scores between photos of a catalogue amount to: suspected duplicates and mix-ups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from resight.catalogue import Dismissal
from resight.suspicions.asking import Answer
from resight.types import UNKNOWN_SIDE, GalleryEntry

#: Probabilities of candidates with these scores, best first, for a photo of this side.
Odds = Callable[[str, list[float]], tuple[float, ...]]

#: Two photos show one animal, or a photo another one than its name says, from here on.
_LIKELY = 0.5
#: Photos that match nothing are suspected from here on: most such are only poor photos.
_ODD = 0.8
#: Pairs of photos that show why two individuals may be one.
_SHOWN = 5


@dataclass(frozen=True)
class Pair:
    """A photo and the most alike one of another individual."""

    query: str
    annotation: str
    probability: float

    @property
    def photos(self) -> tuple[str, str]:
        """Both."""
        return self.query, self.annotation


@dataclass(frozen=True)
class Duplicate:
    """Two individuals that may be one: ``probability`` is that of the best of ``pairs``."""

    a: str
    b: str
    probability: float
    pairs: tuple[Pair, ...]

    @property
    def id(self) -> str:
        """Another one as soon as it rests on other photos."""
        return _id(self.a, self.b, *(id for each in self.pairs for id in each.photos))

    def stands(self, named: Mapping[str, str], dismissals: Sequence[Dismissal]) -> bool:
        """Whether its photos have the names still (``named``), and nobody told them apart."""
        return all(
            {named.get(id) for id in pair.photos} == {self.a, self.b} for pair in self.pairs
        ) and not all(any(_apart(pair, each) for each in dismissals) for pair in self.pairs)


@dataclass(frozen=True)
class Mixup:
    """Photos of an individual that may show another animal.

    ``looks_like`` names that where it is known; ``compared`` is how many pairs with photos of the
    same side and name were found to differ.
    """

    individual: str
    annotations: tuple[str, ...]
    probability: float
    looks_like: str
    compared: int

    @property
    def id(self) -> str:
        """Another one as soon as it is about other photos."""
        return _id(self.individual, *self.annotations)

    def stands(self, named: Mapping[str, str], confirmed: frozenset[str]) -> bool:
        """Whether its photos have the name still (``named``), and not all are ``confirmed``."""
        names = {named.get(id) for id in self.annotations}
        return names == {self.individual} and not confirmed.issuperset(self.annotations)

    @property
    def reason(self) -> str:
        """Why, in words."""
        if self.looks_like:
            return f"look like {self.looks_like}, and unlike other photos of {self.individual}"
        return f"match none of the photos of {self.individual} from other encounters"


@dataclass(frozen=True)
class Suspicions:
    """The most probable first. ``asked`` counts the photos compared, ``basis`` says from what
    probabilities were learned, ``computed_at`` when (UTC)."""

    duplicates: tuple[Duplicate, ...]
    mixups: tuple[Mixup, ...]
    asked: int = 0
    basis: str = ""
    computed_at: str = ""

    def standing(
        self, entries: Sequence[GalleryEntry], dismissals: Sequence[Dismissal] = ()
    ) -> Suspicions:
        """Those that neither names given since have settled, nor anybody has dismissed."""
        named = {entry.annotation: entry.individual for entry in entries}
        confirmed = frozenset(
            id for each in dismissals if each.others is None for id in each.annotations
        )
        return replace(
            self,
            duplicates=tuple(e for e in self.duplicates if e.stands(named, dismissals)),
            mixups=tuple(e for e in self.mixups if e.stands(named, confirmed)),
        )


def _apart(pair: Pair, dismissal: Dismissal) -> bool:
    """Whether somebody said that these two photos are of different animals."""
    both = dismissal.annotations, dismissal.others or frozenset()
    return any(pair.query in a and pair.annotation in b for a, b in (both, both[::-1]))


def _id(*about: str) -> str:
    return sha256("\n".join(about).encode()).hexdigest()[:8]


def judge(
    entries: Sequence[GalleryEntry], answers: Mapping[str, Answer], *, alone: Odds, even: Odds
) -> Suspicions:
    """Suspicions from the answers about a gallery.

    ``alone`` gives probabilities as if hardly any individual were in the gallery twice, ``even``
    as if a photo showed a stranger as often as an animal of the gallery.
    """
    by_id = {entry.annotation: entry for entry in entries}
    seen = [
        _Seen(by_id, by_id[name], answer, alone, even)
        for name, answer in answers.items()
        if name in by_id
    ]
    mixups = list(_mixups(seen))
    suspected = {annotation for each in mixups for annotation in each.annotations}
    duplicates = _duplicates(
        (each for each in seen if each.entry.annotation not in suspected), suspected, by_id
    )
    return Suspicions(
        duplicates=tuple(sorted(duplicates, key=lambda each: -each.probability)),
        mixups=tuple(sorted(mixups, key=lambda each: -each.probability)),
        asked=len(seen),
    )


class _Seen:
    """An answer in probabilities.

    ``others``: of each other individual's best photo, if this animal's own were not there;
    ``own``: that a photo of the same name and this one show one animal; ``rival``: the other
    individual that is more probable than any of these, and how probable.
    """

    def __init__(
        self,
        by_id: Mapping[str, GalleryEntry],
        entry: GalleryEntry,
        answer: Answer,
        alone: Odds,
        even: Odds,
    ) -> None:
        self.entry = entry
        best: dict[str, tuple[str, float]] = {}
        for annotation, score in answer.others:
            other = by_id.get(annotation)
            if other and other.individual != entry.individual:
                best.setdefault(other.individual, (annotation, score))
        scores = [score for _, score in best.values()]
        self.others = dict(
            zip((name for name, _ in best.values()), alone(entry.side, scores), strict=True)
        )
        own = [
            (by_id[annotation], score)
            for annotation, score in answer.own
            if annotation in by_id and by_id[annotation].individual == entry.individual
        ]
        self.own = {each.annotation: _among(even, entry.side, score, scores) for each, score in own}
        #: Those that such a photo must be like: of the same side, if that is known.
        self.alike = {each.annotation for each, _ in own if each.side == entry.side != UNKNOWN_SIDE}
        highest = max((score for _, score in own), default=None)
        every = sorted([*scores, *([] if highest is None else [highest])], reverse=True)
        chances = even(entry.side, every)
        self.rival = ("", 0.0)
        if scores and (highest is None or scores[0] > highest):
            self.rival = (next(iter(best)), chances[0])


def _among(odds: Odds, side: str, score: float, others: Sequence[float]) -> float:
    """How probable a photo with this score is, among others that are less alike.

    More alike ones say nothing against it: they may be of the same animal under another name.
    """
    return odds(side, [score, *sorted((each for each in others if each < score), reverse=True)])[0]


def _mixups(seen: Sequence[_Seen]) -> Iterator[Mixup]:
    of: dict[str, list[_Seen]] = defaultdict(list)
    for each in seen:
        of[each.entry.individual].append(each)
    for individual, own in of.items():
        # The largest part counts as the animal; of equal ones that with no rival, or the first.
        parts = _parts(own)[::-1]
        parts.sort(key=lambda part: (len(part), -_rival(part)[1]))
        for part in parts[:-1]:
            names = {each.entry.annotation for each in part}
            across = [
                (chance, annotation in each.alike)
                for each in own
                for annotation, chance in each.own.items()
                if (each.entry.annotation in names) != (annotation in names)
            ]
            if not across:  # of another side, say: nothing to be unlike to
                continue
            chances = [chance for chance, alike in across if alike]
            like, chance = _rival(part)
            if chance < _LIKELY:
                like, chance = "", 1 - max(chances, default=1.0)
                if chance < _ODD:
                    continue
            yield Mixup(individual, tuple(sorted(names)), chance, like, len(chances))


def _rival(part: Sequence[_Seen]) -> tuple[str, float]:
    """The individual that photos look like, more than like their namesakes, and how surely."""
    return max((each.rival for each in part), key=lambda rival: rival[1])


def _parts(own: Sequence[_Seen]) -> list[list[_Seen]]:
    """An individual's photos, those together that are alike or of one encounter."""
    part = {each.entry.annotation: {each.entry.annotation} for each in own}
    first: dict[str, str] = {}
    joined = [
        (each.entry.annotation, annotation)
        for each in own
        for annotation, chance in each.own.items()
        if chance >= _LIKELY
    ]
    for each in own:
        name = each.entry.annotation
        joined.append((first.setdefault(each.entry.encounter or name, name), name))
    for a, b in joined:
        if b in part and part[a] is not part[b]:
            part[a] |= part[b]
            for name in part[b]:
                part[name] = part[a]
    by_id = {each.entry.annotation: each for each in own}
    return [
        [by_id[name] for name in sorted(names)]
        for names in {id(names): names for names in part.values()}.values()
    ]


def _duplicates(
    seen: Iterator[_Seen], suspected: set[str], by_id: Mapping[str, GalleryEntry]
) -> Iterator[Duplicate]:
    pairs: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for each in seen:
        for annotation, chance in each.others.items():
            if chance >= _LIKELY and annotation not in suspected:
                a, b = sorted((each.entry.individual, by_id[annotation].individual))
                pairs[a, b].append(Pair(each.entry.annotation, annotation, chance))
    for (a, b), found in pairs.items():
        found.sort(key=lambda pair: -pair.probability)
        yield Duplicate(a, b, found[0].probability, tuple(found[:_SHOWN]))
