"""Each photo of the gallery asked: who else looks like this, and do its own namesakes?"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from resight.errors import TooLittleLearned
from resight.extractors import Extractor
from resight.identify import Gallery, Identifier, calibrated_score
from resight.method import Method
from resight.ranking import stands_out
from resight.search import PhotoSearch
from resight.types import Candidate, Evidence, Features, GalleryEntry

#: Candidates of other names that are kept of an answer.
_KEPT = 10
#: Photos of the own individual that a photo is compared with: of so many, some are of its side.
_NAMESAKES = 12


@dataclass(frozen=True)
class Answer:
    """What was found about one annotation.

    ``key`` changes with all that makes the answer. ``others``: the best photo of each other
    individual and its score, best first; ``own``: photos of the same name from other encounters,
    with their scores.
    """

    annotation: str
    key: str
    others: tuple[tuple[str, float], ...]
    own: tuple[tuple[str, float], ...]


class Answers:
    """Answers in a file, one JSON value a line; a line that a crash cut off is asked again.

    Of those photos only that still show what was compared: the file has them as they were
    ``described``, so that one whose box was corrected since has no part in older answers.
    """

    def __init__(self, file: Path, entries: Sequence[GalleryEntry]) -> None:
        self._file = file
        self._described = {entry.annotation: entry.described for entry in entries}
        self.by_annotation: dict[str, Answer] = {}
        now = {described: annotation for annotation, described in self._described.items()}
        for line in file.read_bytes().splitlines() if file.exists() else ():
            try:
                row = json.loads(line)
                for name in ("others", "own"):
                    pairs = [(str(other), float(score)) for other, score in row[name]]
                    row[name] = tuple((now[other], score) for other, score in pairs if other in now)
                self.by_annotation[row["annotation"]] = Answer(**row)
            except (ValueError, KeyError, TypeError):
                continue

    def add(self, answer: Answer) -> None:
        """Keep an answer, in place of an earlier one about the same annotation."""
        self.by_annotation[answer.annotation] = answer
        row = asdict(answer)
        for name in ("others", "own"):
            # One that was added since the entries were read has no part in later runs either.
            row[name] = [(self._described.get(other, ""), score) for other, score in row[name]]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab") as file:
            # A line of its own, whatever a crash left of the last one.
            file.write(b"\n" + json.dumps(row).encode() + b"\n")


def ask_all(
    search: PhotoSearch, file: Path, progress: Callable[[int, int], None] | None
) -> dict[str, Answer]:
    """Answers about all gallery photos that can be asked about, by annotation.

    Those kept in ``file`` are taken as they are where the photo's own name, side and encounter
    are still the same: a photo added since is asked about itself, which compares the two.
    """
    identifier = _unjudged(search)
    entries = search.catalogue.entries()
    answers = Answers(file, entries)
    of: dict[str, list[GalleryEntry]] = defaultdict(list)
    for entry in entries:
        of[entry.individual].append(entry)
    found: dict[str, Answer] = {}
    for done, entry in enumerate(entries, start=1):
        if progress:
            progress(done, len(entries))
        kept = answers.by_annotation.get(entry.annotation)
        if kept is None or kept.key != _key(entry):
            namesakes = _namesakes(entry, of[entry.individual], found)
            kept = _ask(identifier, entry, namesakes)
            if kept is None:
                continue
            answers.add(kept)
        found[entry.annotation] = kept
    return found


def _unjudged(search: PhotoSearch) -> Identifier:
    """A search like this one whose answers have no probabilities: other ones are asked for here."""
    asks = search.identifier
    return Identifier(
        gallery=search.catalogue,
        method=search.method,
        side_policy=asks.side_policy,
        effort=asks.effort.name,
        shortlist=asks.shortlist(),
        known_pairs=asks.known_pairs,
        chips=asks.chips,
        photos_kept=1,
        batch_size=asks.batch_size,
    )


def _ask(
    identifier: Identifier, entry: GalleryEntry, namesakes: Sequence[GalleryEntry]
) -> Answer | None:
    """``None`` for a photo that is lost, or with too little to learn from without it."""
    method = identifier.method
    (features,) = identifier.gallery.features(
        [entry.annotation], method.extractor, long_edge=method.long_edge, margin=method.margin
    )
    if features is None:
        return None
    try:
        others = _identified(identifier, features, entry, without=entry.individual)
        own = _own(identifier, features, entry, namesakes, others)
    except TooLittleLearned:
        return None
    return Answer(
        entry.annotation,
        _key(entry),
        tuple(
            (each.evidence[0].annotation, calibrated_score(each, method.score))
            for each in others[:_KEPT]
        ),
        tuple(
            (each.annotation, calibrated_score(_of_one(candidate, each, method), method.score))
            for candidate in own
            for each in candidate.evidence
        ),
    )


def _own(
    identifier: Identifier,
    features: Features,
    entry: GalleryEntry,
    namesakes: Sequence[GalleryEntry],
    others: Sequence[Candidate],
) -> tuple[Candidate, ...]:
    """The photo's own individual: all of its namesakes matched.

    Turned as well, as the others were, where it does not stand out from those: else whoever holds
    their head up seems to be somebody else.
    """
    if not namesakes:
        return ()
    found: tuple[Candidate, ...] = ()
    for effort in ("exhaustive", "thorough") if identifier.effort.further else ("exhaustive",):
        among = Identifier(
            gallery=_Some(identifier.gallery, namesakes),
            method=identifier.method,
            side_policy=identifier.side_policy,
            effort=effort,
            known_pairs=identifier.known_pairs,
            chips=identifier.chips,
            photos_kept=len(namesakes),
        )
        found = _identified(among, features, entry)
        own, other = (max((each.score for each in some), default=0.0) for some in (found, others))
        if own > other and stands_out([own, other], identifier.effort.certain):
            break
    return found


def _identified(
    identifier: Identifier, features: Features, entry: GalleryEntry, *, without: str = ""
) -> tuple[Candidate, ...]:
    return identifier.identify(
        features,
        chip=lambda: identifier.chip(entry.annotation),
        side=entry.side,
        encounter=entry.encounter,
        photo=entry.photo,
        without_individual=without,
    ).candidates


def _of_one(candidate: Candidate, evidence: Evidence, method: Method) -> Candidate:
    """A candidate as if it had this one photo only."""
    return replace(candidate, evidence=(evidence,), score=evidence.scores[method.score] or 0.0)


def _namesakes(
    entry: GalleryEntry, own: Sequence[GalleryEntry], found: Mapping[str, Answer]
) -> list[GalleryEntry]:
    """Photos of the same individual to compare with, one of each encounter, then a second …

    Not those that were compared with this one already.
    """
    known = {
        each.annotation
        for each in own
        if each.annotation in found
        and any(annotation == entry.annotation for annotation, _ in found[each.annotation].own)
    }
    encounters: dict[str, list[GalleryEntry]] = defaultdict(list)
    for each in own:
        if each.annotation not in known and (
            not each.encounter or each.encounter != entry.encounter
        ):
            encounters[each.encounter or each.annotation].append(each)
    turns = sorted(
        (turn, each.annotation, each)
        for group in encounters.values()
        for turn, each in enumerate(group)
        if each.annotation != entry.annotation
    )
    return [each for _, _, each in turns[:_NAMESAKES]]


def _key(entry: GalleryEntry) -> str:
    return sha256(repr(entry).encode()).hexdigest()[:16]


class _Some:
    """A gallery of some entries of another."""

    def __init__(self, gallery: Gallery, entries: Sequence[GalleryEntry]) -> None:
        self._gallery = gallery
        self._entries = entries

    def entries(self) -> Sequence[GalleryEntry]:
        return self._entries

    def features(
        self, annotations: Sequence[str], extractor: Extractor, /, *, long_edge: int, margin: float
    ) -> Iterator[Features | None]:
        return self._gallery.features(annotations, extractor, long_edge=long_edge, margin=margin)
