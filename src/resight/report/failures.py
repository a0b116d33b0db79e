"""The worst answers of a method, each with a picture: right animal and wrong answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.draw import Row as DrawnRow
from resight.draw import View, draw_identification
from resight.errors import PhotoError
from resight.evaluate import EvaluationProtocol, MethodReport
from resight.evaluate.answers import Answer
from resight.evaluate.gallery import MemoryGallery, read_chip
from resight.evaluate.protocol import Row
from resight.identify import Identifier
from resight.matchers import LearningMatcher
from resight.method import Method
from resight.teaching import taught_by
from resight.types import Features

#: Of each kind and method; together they bound the size of the page.
MISSED, FALSE_ALARMS = 6, 3
_WIDTH, _QUALITY = 880, 78
#: Photos of the right animal looked through for the best one, where it was never compared.
_PHOTOS = 10


@dataclass(frozen=True)
class Failure:
    """A query answered wrong. ``picture`` is a JPEG, ``None`` where none can be drawn.

    ``rank`` of its own individual; ``None`` if that was never compared, or ``novel``.
    """

    query: Row
    novel: bool
    rank: Optional[int]
    answer: Answer
    picture: Optional[bytes]


def worst_failures(
    protocol: EvaluationProtocol,
    photos: Path,
    method: Method,
    figures: MethodReport,
    progress: Optional[Callable[[int, int], None]] = None,
) -> tuple[Failure, ...]:
    """Missed queries whose wrong answer stood out most, then the new animals most like known.

    Their photos are compared once more, in full: the pictures show what a person could
    have seen, also where the search had passed the right animal over.
    """
    chosen = [*_missed(protocol, figures), *_false_alarms(protocol, figures)]
    if chosen and isinstance(method.matcher, LearningMatcher):
        method = taught_by(MemoryGallery(protocol.gallery, photos, method), method)
    found = []
    for number, index in enumerate(chosen, start=1):
        query, answer = protocol.queries[index], figures.answers[index]
        novel = not protocol.known[index]
        found.append(
            Failure(
                query=query,
                novel=novel,
                rank=figures.ranks[index],
                answer=answer,
                picture=_picture(protocol, photos, method, query, answer, novel),
            )
        )
        if progress:
            progress(number, len(chosen))
    return tuple(found)


def _missed(protocol: EvaluationProtocol, figures: MethodReport) -> list[int]:
    """Queries of known animals that another one was found for, the clearest error first."""

    def margin(index: int) -> float:
        answer = figures.answers[index]
        own = answer.right or answer.candidates[-1]
        return own.score - answer.candidates[0].score

    missed = [
        index
        for index, known in enumerate(protocol.known)
        if known and figures.ranks[index] != 1 and figures.answers[index].wrong
    ]
    return sorted(missed, key=margin)[:MISSED]


def _false_alarms(protocol: EvaluationProtocol, figures: MethodReport) -> list[int]:
    """Queries of new animals accepted more readily than half of the known ones."""
    known, novel = (
        [index for index, each in enumerate(protocol.known) if each == kind]
        for kind in (True, False)
    )
    accepted = [figures.answers[index].acceptance for index in known]
    least = float(np.median(accepted)) if accepted else -math.inf
    alarms = [
        index
        for index in novel
        if figures.answers[index].candidates and figures.answers[index].acceptance > least
    ]
    return sorted(alarms, key=lambda index: -figures.answers[index].acceptance)[:FALSE_ALARMS]


def _picture(
    protocol: EvaluationProtocol,
    photos: Path,
    method: Method,
    query: Row,
    answer: Answer,
    novel: bool,
) -> Optional[bytes]:
    """The query beside the best photo of its animal and beside that of the wrong answer."""
    own = [] if novel else _own_rows(protocol, query, answer)
    others = [row for row in protocol.gallery if answer.wrong and row.line == answer.wrong.line]
    try:
        chip, sha256 = read_chip(query, photos, method)
    except PhotoError:
        return None
    # The ranking is known already: any score that needs no gallery finds an animal's best photo.
    plain = replace(method, score="sum")
    (features,) = method.extractor.extract([chip])
    shown = []
    for title, rows in (("its own animal", own), ("found instead", others)):
        gallery = MemoryGallery(rows, photos, method)
        identifier = Identifier(
            gallery=gallery, method=plain, side_policy="any", effort="exhaustive", photos_kept=1
        )
        found = identifier.identify(features, encounter=query.encounter, photo=sha256)
        for candidate in found.candidates[:1]:
            evidence = candidate.evidence[0]
            row = gallery.row(evidence.annotation)
            view = _view(row, photos, method, _features(gallery, evidence.annotation, method))
            shown.append(DrawnRow(view, evidence, title))
    if not shown:
        return None
    return _jpeg(draw_identification(View(chip, features.keypoints), shown, width=_WIDTH))


def _own_rows(protocol: EvaluationProtocol, query: Row, answer: Answer) -> Sequence[Row]:
    if answer.right:
        return [row for row in protocol.gallery if row.line == answer.right.line]
    return [row for row in protocol.gallery if row.identity == query.identity][:_PHOTOS]


def _features(gallery: MemoryGallery, annotation: str, method: Method) -> Features:
    (features,) = gallery.features(
        [annotation], method.extractor, long_edge=method.long_edge, margin=method.margin
    )
    return features


def _view(row: Row, photos: Path, method: Method, features: Features) -> View:
    chip, _ = read_chip(row, photos, method)
    return View(chip, features.keypoints)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    colours = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    encoded: bytes = cv2.imencode(".jpg", colours, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[
        1
    ].tobytes()
    return encoded
