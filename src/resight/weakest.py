"""Which animals of a catalogue lack a good photo, of which side."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from resight.catalogue import AddOutcome, AnnotationRecord, Catalogue
from resight.engine import available_cores
from resight.errors import PhotoError
from resight.photos import read_photo
from resight.quality import detail, least_detail, share_below
from resight.types import UNKNOWN_SIDE


@dataclass(frozen=True)
class Weak:
    """A side of an individual that it may not be known again by.

    ``best`` is the annotation of that side with the most ``detail``, which ``below`` of all photos
    have less than; ``None`` and 0 where there is no photo of that side at all.
    """

    individual: str
    side: str
    best: str | None
    detail: float
    below: float


class Details:
    """What was measured of a catalogue's photos, kept among the features: it is derived."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._file = catalogue.folder / "features" / "details.v1.jsonl"
        self._known: dict[str, float] | None = None

    def _read(self) -> dict[str, float]:
        """All of it, once it is wanted."""
        if self._known is None:
            self._known = {}
            for line in self._file.read_bytes().splitlines() if self._file.exists() else ():
                try:
                    name, value = json.loads(line)
                    self._known[str(name)] = float(value)
                except (ValueError, TypeError):  # a crash cut it off
                    continue
        return self._known

    def of(self, record: AnnotationRecord) -> float | None:
        """The detail of an annotation, if it was measured."""
        return self._read().get(_name(record))

    def add(self, measured: Sequence[tuple[AnnotationRecord, float]]) -> None:
        """Keep measurements."""
        if not measured:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(
            json.dumps([_name(record), round(value, 4)]) + "\n" for record, value in measured
        )
        with self._file.open("ab") as file:
            file.write(b"\n" + lines.encode())  # whatever a crash left of the last line
        if self._known is not None:
            self._known.update((_name(record), round(value, 4)) for record, value in measured)


def keep(catalogue: Catalogue, outcomes: Iterable[AddOutcome]) -> None:
    """Keep the details of photos that were just added, which adding has measured."""
    there = catalogue.now().annotations  # without what somebody took back meanwhile
    Details(catalogue).add(
        [
            (there[each.annotation], each.detail)
            for each in outcomes
            if each.detail is not None and each.annotation in there
        ]
    )


def weak_ones(catalogue: Catalogue, outcomes: Iterable[AddOutcome]) -> list[AnnotationRecord]:
    """Photos just added that are weak among all of the catalogue that were measured. Their
    details are kept."""
    measured = [each for each in outcomes if each.detail is not None]
    if not measured:
        return []
    keep(catalogue, measured)
    added = {each.annotation for each in measured}
    details = Details(catalogue)
    records = [(record, details.of(record)) for record in catalogue.annotations()]
    least = least_detail([value for _, value in records if value is not None])
    return [
        record
        for record, value in records
        if record.id in added and value is not None and value < least
    ]


def measure(
    catalogue: Catalogue,
    records: Sequence[AnnotationRecord],
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """The detail of annotations by their ids, without those whose original is lost or damaged.

    Stopping (or killing) and repeating is safe: what was measured is kept. ``progress`` is told
    how many photos are dealt with, of how many.
    """
    details = Details(catalogue)
    lacking = [record for record in records if details.of(record) is None]
    for done, (record, value) in enumerate(_measured(catalogue, lacking), start=1):
        if value is not None:
            details.add([(record, value)])
        if progress:
            progress(done, len(lacking))
    known = ((record.id, details.of(record)) for record in records)
    return {id: value for id, value in known if value is not None}


def measured(
    catalogue: Catalogue, records: Sequence[AnnotationRecord]
) -> tuple[dict[str, float], int]:
    """The details of annotations that are kept, by their ids, without those of animals of which
    not all are: they may have a better photo. And how many annotations of animals lack one."""
    details = Details(catalogue)
    known = {record.id: details.of(record) for record in records}
    lacking = [
        record for record in records
        if record.individual and not record.hidden and known[record.id] is None
    ]  # fmt: skip
    unsure = {record.individual for record in lacking}
    sure = (record for record in records if record.individual not in unsure)
    found = ((record.id, known[record.id]) for record in sure)
    return {id: value for id, value in found if value is not None}, len(lacking)


def weakest(records: Sequence[AnnotationRecord], details: Mapping[str, float]) -> list[Weak]:
    """Individuals and sides whose best photo is weak, or that have none; the weakest first.

    ``details`` are those of ``records`` by id. A side counts as lacking where most individuals
    have a photo of it.
    """
    best: dict[tuple[str, str], tuple[float, str]] = {}
    individuals: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.individual and not record.hidden and record.id in details:
            individuals[record.side].add(record.individual)
            key = (record.individual, record.side)
            best[key] = max(best.get(key, (-1.0, "")), (details[record.id], record.id))
    least, all_details = least_detail(details.values()), list(details.values())
    found = [
        Weak(individual, side, id, value, share_below(value, all_details))
        for (individual, side), (value, id) in best.items()
        if value < least
    ]
    everybody = {individual for individual, _ in best}
    for side, seen in individuals.items():
        if side != UNKNOWN_SIDE and 2 * len(seen) > len(everybody):
            found += [Weak(name, side, None, 0.0, 0.0) for name in everybody - seen]
    return sorted(found, key=lambda each: (each.detail, each.individual, each.side))


def _measured(
    catalogue: Catalogue, records: Sequence[AnnotationRecord]
) -> Iterator[tuple[AnnotationRecord, float | None]]:
    def one(record: AnnotationRecord) -> float | None:
        try:
            pixels = read_photo(catalogue.original(record.photo.sha256)).pixels
            return detail(pixels, record.box, rotation=record.rotation)
        except PhotoError:  # lost or damaged, which ``check`` says
            return None

    workers = available_cores()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="resight-detail")
    ahead: deque[tuple[AnnotationRecord, Future[float | None]]] = deque()
    try:
        for record in records:
            ahead.append((record, pool.submit(one, record)))
            if len(ahead) > workers:  # no further, or who pauses would pause nothing
                first, measured = ahead.popleft()
                yield first, measured.result()
        for first, measured in ahead:
            yield first, measured.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _name(record: AnnotationRecord) -> str:
    return f"{record.id} {tuple(record.box) if record.box else ''} {record.rotation}"
