"""Features of WBIA's annotations.

Chips are cut from the photo by ``make_chip``, not taken from WBIA: its own are at most 700 pixels
long unless asked otherwise, and reduced without a filter (``warpAffine`` with Lanczos weights),
which invents patterns. So an annotation has the features that resight gives it elsewhere.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Optional

import cv2
import numpy as np

from resight.errors import PhotoError
from resight.extractors import Extractor
from resight.method import Method
from resight.types import Box, Chip, Features

logger = logging.getLogger("wbia.resight")  # so that WBIA shows and files what is logged

#: Chips in memory at a time.
_AT_ONCE = 8

#: Columns of a row of features; the first four are those of wbia-plugin-lightglue.
COLUMNS = ("keypoints", "descriptors", "keypoint_scores", "image_size", "metric")


def cut_chips(ibs: Any, aids: Sequence[int], method: Method) -> Iterator[Optional[Chip]]:
    """The chip of each annotation as the method wants it, upright; ``None`` (logged) if none.

    ``ibs`` is WBIA's controller; of several annotations of one photo that follow each other, it
    is read once.
    """
    rows = zip(
        aids,
        ibs.get_annot_gids(aids),
        ibs.get_annot_bboxes(aids),
        ibs.get_annot_thetas(aids),
        strict=True,
    )
    last, pixels = None, None
    for aid, gid, box, theta in rows:
        try:
            if gid != last or pixels is None:
                last, pixels = gid, cv2.cvtColor(ibs.get_images([gid])[0], cv2.COLOR_BGR2RGB)
            # theta is in radians, clockwise as seen
            yield method.chip(pixels, Box(*map(float, box)), rotation=-math.degrees(theta))
        except (PhotoError, ValueError) as error:
            logger.warning("annotation %s cannot be described: %s", aid, error)
            yield None
        except Exception as error:  # WBIA's readers raise whatever their libraries do
            logger.warning("the photo of annotation %s cannot be read: %s", aid, error)
            last, pixels = None, None
            yield None


def describe(ibs: Any, aids: Sequence[int], method: Method) -> Iterator[Optional[Features]]:
    """Features of each annotation, extracted now; ``None`` where there is no chip."""
    chips = cut_chips(ibs, aids, method)
    done = 0
    while some := list(islice(chips, _AT_ONCE)):
        found = iter(method.extractor.extract([chip for chip in some if chip is not None]))
        for chip in some:
            yield None if chip is None else next(found)
        done += len(some)
        logger.info("%d of %d annotations described", done, len(aids))


def to_row(features: Features) -> tuple[Any, ...]:
    """The values of ``COLUMNS``; the size is (2,) float32 (w, h) of the chip."""
    size = np.array(features.size, np.float32)
    keypoints, descriptors = np.array(features.keypoints), np.array(features.descriptors)
    return keypoints, descriptors, np.array(features.scores), size, features.metric


def from_row(row: Sequence[Any], extractor: Extractor) -> Features:
    """The features that ``to_row`` made a row of."""
    keypoints, descriptors, scores, size, metric = row
    return Features(
        keypoints=keypoints,
        descriptors=descriptors,
        scores=scores,
        size=(int(size[0]), int(size[1])),
        family=extractor.family,
        metric=metric,
        fingerprint=extractor.fingerprint,
    )
