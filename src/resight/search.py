"""Ask a catalogue who is in a photo file, and draw why it answers so."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resight.calibration import Calibration, Trials, asked_by, prior_for
from resight.catalogue import AnnotationRecord, Catalogue
from resight.chips import chip_to_photo, mirrored
from resight.distributions import match_known_pairs
from resight.draw import Row, View, draw_identification, draw_matches
from resight.errors import CalibrationError, CatalogueDamaged, NotFound, PhotoError
from resight.extractors.foreground import described
from resight.identify import Identifier
from resight.learning import Progress as TrialProgress
from resight.learning import learn
from resight.masks import masked
from resight.method import Method, effort_for
from resight.photos import read_photo
from resight.queries import Pair, PhotoQuery
from resight.ready import ReadyGallery, without_some
from resight.scoring import DISTRIBUTION_SCORES, score_pair
from resight.shortlist.index import Progress
from resight.teaching import taught_by
from resight.types import (
    UNKNOWN_SIDE,
    Box,
    Chip,
    Evidence,
    Features,
    Identification,
    Photo,
    mirrored_side,
)
from resight.verdicts import percent, verdict
from resight.verify import verify

logger = logging.getLogger(__name__)

#: Photos compared before progress is told: few, since on a slow computer each takes a second;
#: LightGlue takes four at a time.
_BATCH = 8

#: Why answers about some queries have no probabilities.
NOTHING_TO_SEE = "there is nothing to see in it"
IN_A_MIRROR = "nothing is learned about photos in a mirror"


class PhotoSearch:
    """Searches one catalogue by one method.

    Nothing is added to the catalogue but features, which are derived. Scores that compare with
    distributions have them learned here, from the catalogue's known pairs. Probabilities are those
    that ``calibrate`` learned, or else from drawn animals, or none; ``new_prior`` and
    ``wanted_error`` are those of ``Calibration``. Where more than ``waits_for`` photos are not
    described yet, answers say so, without probabilities; ``None``: all are, which may take long.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        method: Method,
        side_policy: str = "compatible",
        effort: str = "normal",
        new_prior: float = 0.5,
        wanted_error: float = 0.05,
        waits_for: int | None = None,
    ) -> None:
        effort_for(method, effort)  # says so before pairs are matched for minutes
        method = taught_by(catalogue, method)
        self.catalogue = catalogue
        self.method = method
        known = None
        if method.score in DISTRIBUTION_SCORES:
            known = match_known_pairs(catalogue, method, side_policy=side_policy)
        self._shortlist = catalogue.shortlist(
            method.extractor, long_edge=method.long_edge, margin=method.margin
        )
        self._originals: dict[str, tuple[int, int] | None] = {}  # as last tried
        self._ready = None if waits_for is None else ReadyGallery(catalogue, method, waits_for)
        self.identifier = Identifier(
            gallery=self._ready or catalogue,
            method=method,
            side_policy=side_policy,
            effort=effort,
            shortlist=self._shortlist,
            known_pairs=known,
            chips=lambda annotation: catalogue.chip(
                annotation, long_edge=method.long_edge, margin=method.margin
            ),
            batch_size=_BATCH,
        )
        self._odds = {"new_prior": new_prior, "wanted_error": wanted_error}
        self._learned = _stamp(self._trials_file())
        self._judge_by(self._kept_trials())

    def calibrate(self, *, limit: int = 400, progress: TrialProgress | None = None) -> Calibration:
        """Learn from the catalogue's own photos what scores mean, and use and keep that.

        ``progress`` is told of each trial, of which there are ``limit`` at most. Stopping (or
        killing) and repeating is safe: what was finished is kept, unless the catalogue changed.
        Raises ``CalibrationError`` with too few animals (``learn``).
        """
        path = self._trials_file()
        journal = path.with_name(f"{path.name}.begun")
        annotations = self.catalogue.annotations()
        before, self.identifier.calibration = self.identifier.calibration, None
        try:  # what was learned before has no say, and no answer here needs a judgement
            trials = learn(
                self.identifier,
                limit=limit,
                journal=journal,
                pinned=repr([each.shown for each in annotations]),
                progress=progress,
            )
            calibration = Calibration(trials, **self._odds)
            trials.write(path)
        except BaseException:
            self.identifier.calibration = before
            raise
        journal.unlink(missing_ok=True)
        self._learned = _stamp(path)
        self.identifier.calibration = calibration
        return calibration

    def _judge_by(self, trials: Trials | None) -> None:
        """Give answers probabilities by these trials, or else by those of drawn animals."""
        trials = trials or prior_for(self.method, self.identifier.effort)
        self.identifier.calibration = Calibration(trials, **self._odds) if trials else None

    def _try_learned(self) -> None:
        """Use what another search of this catalogue has learned since, a job's for one."""
        stamp = _stamp(self._trials_file())
        if stamp != self._learned:
            self._learned = stamp
            self._judge_by(self._kept_trials())

    @property
    def basis(self) -> str:
        """From what probabilities were learned; empty where there are none."""
        calibration = self.identifier.calibration
        return calibration.basis(photos=len(self.catalogue.entries())) if calibration else ""

    def _kept_trials(self) -> Trials | None:
        """What this catalogue's photos taught before; a damaged file is as none."""
        try:
            return Trials.read(self._trials_file())
        except FileNotFoundError:
            return None
        except (OSError, CalibrationError) as error:
            logger.warning("%s", error)
            return None

    def _trials_file(self) -> Path:
        method = self.method
        folder = self.catalogue.calibrations(
            method.extractor, long_edge=method.long_edge, margin=method.margin
        )
        asked = f"{asked_by(method, self.identifier.effort)} | {self.identifier.side_policy}"
        return folder / f"{hashlib.sha256(asked.encode()).hexdigest()[:16]}.jsonl"

    def read(
        self,
        path: Path,
        *,
        box: Box | None = None,
        side: str = UNKNOWN_SIDE,
        encounter: str = "",
    ) -> PhotoQuery:
        """Decode and describe a photo file.

        What is not said (``box`` ``None``, ``side`` unknown, ``encounter`` empty) is taken from the
        catalogue where it holds this photo with one annotation (or one of this
        box); otherwise the whole photo is asked about.

        Raises ``PhotoError`` for a photo that cannot be used or a box off it.
        """
        photo, pixels = read_photo(path)
        records = self._records_of(photo)
        own = _own(records, box)
        if own is not None:
            side = own.side if side == UNKNOWN_SIDE else side
        box, rotation, mask = (own.box, own.rotation, own.mask) if own else (box, 0.0, None)
        try:
            chip = masked(self.method.chip(pixels, box, rotation=rotation), mask)
        except PhotoError as error:
            raise PhotoError(f"{path}: {error}") from error
        (features,) = described(self.method.extractor, [chip])
        encounters = {record.encounter for record in ([own] if own else records)}
        if not encounter and len(encounters) == 1:
            encounter = encounters.pop()
        return PhotoQuery(path, photo, chip, features, side, encounter, records)

    def mirrored(self, query: PhotoQuery) -> PhotoQuery:
        """A photo as it is in a mirror, there of the opposite side.

        The two profiles of an animal may resemble each other, those of sea turtles do (bioRxiv
        2024.09.13.612839): who has been seen from the other side only may be found so. That is
        weak evidence, of which nothing is learned: answers have no probabilities.
        """
        chip = mirrored(query.chip)
        (features,) = described(self.method.extractor, [chip])
        side = mirrored_side(query.side)
        return replace(query, chip=chip, features=features, side=side, mirrored=not query.mirrored)

    def identify(self, query: PhotoQuery, *, progress: Progress | None = None) -> Identification:
        """Rank the catalogue's individuals. As ``Identifier.identify``.

        Originals that were lost are tried again as soon as there is another file, and what another
        search of this catalogue has learned meanwhile is used.
        """
        self._try_restored()
        self._try_learned()
        lacking = len(self._ready.lacking()) if self._ready else 0
        answer = self.identifier.identify(
            query.features,
            side=query.side,
            encounter=query.encounter,
            photo=query.photo.sha256,
            chip=lambda: query.chip,
            progress=progress,
        )
        answer = without_some(answer, lacking) if lacking else answer
        if query.is_blank:
            return answer.without_probabilities(NOTHING_TO_SEE)
        return answer.without_probabilities(IN_A_MIRROR) if query.mirrored else answer

    def read_annotation(self, annotation: str) -> PhotoQuery:
        """An annotation of the catalogue as a query, described as its gallery is.

        Raises ``NotFound``; ``CatalogueDamaged`` where its original is lost.
        """
        (record,) = self.catalogue.annotations([annotation])
        return PhotoQuery(
            path=Path(record.name),
            photo=record.photo,
            chip=self._chip_of(record),
            features=self._features_of(record),
            side=record.side,
            encounter=record.encounter,
            records=(record,),
        )

    def compare(self, query: PhotoQuery, annotation: str) -> Evidence:
        """A query and one annotation of the catalogue matched in full, searched or not."""
        (record,) = self.catalogue.annotations([annotation])
        features = self._features_of(record)
        (matches,) = self.method.matcher.match(query.features, [features])
        geometry = verify(query.features, features, matches)
        return Evidence(annotation, score_pair(matches, geometry), matches, geometry)

    def pair(self, query: PhotoQuery, evidence: Evidence) -> Pair:
        """Where a query and an annotation match, in pixels of their upright photos.

        Raises ``NotFound``, ``CatalogueDamaged``.
        """
        (record,) = self.catalogue.annotations([evidence.annotation])
        to_photo = chip_to_photo(
            record.photo.size,
            record.box,
            rotation=record.rotation,
            margin=self.method.margin,
            long_edge=self.method.long_edge,
        )
        keypoints = self._features_of(record).keypoints
        return Pair.of(query, evidence, keypoints, to_photo)

    def pair_picture(self, query: PhotoQuery, evidence: Evidence) -> NDArray[np.uint8]:
        """The query beside one annotation, as ``draw_matches``. Raises as ``picture``."""
        (record,) = self.catalogue.annotations([evidence.annotation])
        title = f"{record.individual or 'nobody known'}   {Path(record.name).name}"
        asked = View(query.chip, query.features.keypoints)
        return draw_matches(asked, self._view(record), evidence, title=title)

    def picture(
        self, query: PhotoQuery, answer: Identification, *, rows: int = 3, title: str = ""
    ) -> NDArray[np.uint8]:
        """The query beside the best photo of each of the first ``rows`` individuals named, and
        what the probabilities amount to.

        (h, w, 3) uint8 RGB. Raises ``CatalogueDamaged`` where an original is lost.
        """
        best = [(each, each.evidence[0]) for each in answer.named[:rows]]
        records = self.catalogue.annotations([evidence.annotation for _, evidence in best])
        drawn = [
            Row(
                self._view(record),
                evidence,
                f"{rank}. {candidate.individual}   {_told(answer, rank)}"
                f"   {Path(record.name).name}",
            )
            for rank, ((candidate, evidence), record) in enumerate(
                zip(best, records, strict=True), start=1
            )
        ]
        asked = View(query.chip, query.features.keypoints)
        said = verdict(answer) if answer.candidates else ""
        if answer.verdict:  # the picture may be all that others see
            said += f" Probabilities are {answer.calibration}."
        return draw_identification(asked, drawn, title=title, subtitle=said)

    def _try_restored(self) -> None:
        """Costs a look at each file that could not be described, so mostly nothing."""
        lacking = self._shortlist.lacking
        if not lacking:
            return
        try:
            # Named as ``GalleryEntry.described``, by annotation and part of its photo.
            records = self.catalogue.annotations([name.partition("/")[0] for name in lacking])
        except NotFound:  # purged meanwhile: the shortlist will not be asked for them
            return
        paths = [self.catalogue.original(record.photo.sha256) for record in records]
        found = dict(zip(lacking, map(_stamp, paths), strict=True))
        if found != self._originals:
            self._originals = found
            self._shortlist.try_again()

    def _records_of(self, photo: Photo) -> tuple[AnnotationRecord, ...]:
        try:
            return self.catalogue.annotations(self.catalogue.find(photo.sha256))
        except NotFound:
            return ()

    def _view(self, record: AnnotationRecord) -> View:
        return View(self._chip_of(record), self._features_of(record).keypoints)

    def _chip_of(self, record: AnnotationRecord) -> Chip:
        try:
            pixels = read_photo(self.catalogue.original(record.photo.sha256)).pixels
        except PhotoError as error:
            raise CatalogueDamaged(
                f"photo {record.name} cannot be drawn, its original is lost or damaged: {error}: "
                "run `resight check`"
            ) from error
        chip = self.method.chip(pixels, record.box, rotation=record.rotation)
        return masked(chip, record.mask)

    def _features_of(self, record: AnnotationRecord) -> Features:
        method = self.method
        (features,) = self.catalogue.features(
            [record.id], method.extractor, long_edge=method.long_edge, margin=method.margin
        )
        if features is None:
            raise CatalogueDamaged(
                f"photo {record.name} is not available, its original is lost or damaged: run "
                "`resight check`"
            )
        return features


def _stamp(path: Path) -> tuple[int, int] | None:
    """When a file was written and its bytes; ``None`` if it is not there."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


def _told(answer: Identification, rank: int) -> str:
    if rank > len(answer.candidates):
        return "first look only"
    candidate = answer.candidates[rank - 1]
    chance = "" if candidate.probability is None else f"{percent(candidate.probability)}   "
    return f"{chance}{answer.score} {candidate.score:.1f}"


def _own(records: Sequence[AnnotationRecord], box: Box | None) -> AnnotationRecord | None:
    """The annotation of the query's own photo that a query means, if that is clear."""
    if box is not None:
        return next((record for record in records if record.box == box), None)
    return records[0] if len(records) == 1 else None
