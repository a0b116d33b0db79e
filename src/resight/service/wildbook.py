"""``POST /match/``: one photo matched with others, in the style of Wildbook's ml-service.

Photos are ``image_uri`` (a data URI; a path or URL where the server allows it) with ``bbox``
[x, y, w, h] in pixels of the upright photo and ``theta`` in radians, clockwise, as Wildbook
has them (https://github.com/WildMeOrg/ml-service). Nothing is kept.
"""

from __future__ import annotations

import base64
import binascii
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

from pydantic import BaseModel, ConfigDict, Field

from resight.errors import MissingExtra, PhotoError, PhotoTooLarge, PhotoUnreadable
from resight.method import Method
from resight.photos import DEFAULT_LIMITS, PhotoLimits, decode_photo
from resight.scoring import score_pair
from resight.types import Box, Features
from resight.verify import verify

if TYPE_CHECKING:
    from fastapi import APIRouter

_TIMEOUT = 20.0  # seconds for a photo by URL
_MOST = 500  # photos in one request

Number = Annotated[float, Field(allow_inf_nan=False)]


class Image(BaseModel):
    """One animal in one photo; without ``bbox`` the whole photo."""

    model_config = ConfigDict(extra="forbid")

    image_uri: str = Field(description="data:image/…;base64,…, or a path or URL if allowed")
    bbox: Optional[tuple[Number, Number, Number, Number]] = Field(
        None, description="[x, y, w, h], pixels of the upright photo"
    )
    theta: Number = Field(0.0, description="radians, clockwise")


class MatchRequest(BaseModel):
    """A query and the photos it is compared with."""

    model_config = ConfigDict(extra="forbid")

    query: Image
    database: list[Image] = Field(min_length=1, max_length=_MOST)
    include_matches: bool = Field(True, description="whether matched points are in the answer")


class Match(BaseModel):
    """One pair of points, in pixels of the upright photos."""

    query: tuple[float, float]
    database: tuple[float, float]
    confidence: float
    verified: bool = Field(description="agrees with the geometry of the others")


class PairResult(BaseModel):
    """What the query and one photo have in common; an ``error`` where it cannot be used."""

    score: Optional[float] = Field(description="the score that ranks; higher is more similar")
    scores: dict[str, Optional[float]] = {}
    matches: list[Match] = []
    error: Optional[str] = None


class MatchResponse(BaseModel):
    """Results in the order of ``database``."""

    method: str
    fingerprint: str
    results: list[PairResult]
    seconds: float


@dataclass(frozen=True)
class Source:
    """Where photos may come from: data URIs always.

    ``folder``: the one that paths may lie in; ``urls``: whether http and https are read, from
    anywhere this machine reaches, so only where clients are trusted.
    """

    folder: Optional[Path] = None
    urls: bool = False
    limits: PhotoLimits = DEFAULT_LIMITS

    def read(self, uri: str) -> bytes:
        """The file's bytes. Raises ``PhotoError`` naming why it cannot be had."""
        if uri.startswith("data:"):
            return self._inline(uri)
        if uri.startswith(("http://", "https://")):
            return self._fetched(uri)
        return self._from_folder(uri)

    def _inline(self, uri: str) -> bytes:
        head, comma, body = uri.partition(",")
        if not comma or not head.endswith(";base64"):
            raise PhotoUnreadable("the data URI is not data:…;base64,…")
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError) as error:
            raise PhotoUnreadable(f"the data URI is not base64: {error}") from error

    def _fetched(self, uri: str) -> bytes:
        from urllib.request import urlopen

        if not self.urls:
            raise PhotoUnreadable("this server reads no URLs: start it with --allow-urls")
        try:
            with urlopen(uri, timeout=_TIMEOUT) as answer:  # noqa: S310  http and https only
                data: bytes = answer.read(self.limits.max_bytes + 1)
        except (OSError, ValueError) as error:
            raise PhotoUnreadable(f"{uri}: {error}") from error
        if len(data) > self.limits.max_bytes:
            raise PhotoTooLarge(f"{uri}: more than {self.limits.max_bytes} bytes")
        return data

    def _from_folder(self, uri: str) -> bytes:
        if self.folder is None:
            raise PhotoUnreadable("this server reads no paths: start it with --photos FOLDER")
        folder = self.folder.resolve()
        path = (folder / uri.removeprefix("file://")).resolve()
        if not path.is_relative_to(folder):
            raise PhotoUnreadable(f"{uri} does not lie in the folder that this server reads")
        try:
            return path.read_bytes()
        except OSError as error:
            raise PhotoUnreadable(f"{uri}: {error.strerror}") from error


@dataclass(frozen=True)
class Matching:
    """What the endpoint does, without HTTP."""

    method: Method
    source: Source

    def match(self, asked: MatchRequest) -> MatchResponse:
        """Raises ``PhotoError`` where the query itself cannot be used."""
        started = time.perf_counter()
        query = self._described(asked.query)
        results: list[PairResult] = []
        there: list[tuple[int, _Described]] = []
        for image in asked.database:
            try:
                there.append((len(results), self._described(image)))
                results.append(PairResult(score=None))
            except PhotoError as error:
                results.append(PairResult(score=None, error=str(error)))
        found = self._compared(query, [each for _, each in there], asked.include_matches)
        for (i, _), result in zip(there, found, strict=True):
            results[i] = result
        return MatchResponse(
            method=self.method.name,
            fingerprint=self.method.fingerprint,
            results=results,
            seconds=time.perf_counter() - started,
        )

    def _described(self, image: Image) -> _Described:
        photo = decode_photo(
            self.source.read(image.image_uri), name="image_uri", limits=self.source.limits
        )
        box = None if image.bbox is None else Box(*image.bbox)
        chip = self.method.chip(photo.pixels, box, rotation=-math.degrees(image.theta))
        (features,) = self.method.extractor.extract([chip])
        return _Described(features, chip.points_to_photo(features.keypoints).tolist())

    def _compared(
        self, query: _Described, others: Sequence[_Described], with_matches: bool
    ) -> list[PairResult]:
        found = self.method.matcher.match(query.features, [each.features for each in others])
        results = []
        for other, matches in zip(others, found, strict=True):
            geometry = verify(query.features, other.features, matches)
            scores = score_pair(matches, geometry)
            points = zip(
                matches.pairs.tolist(),
                matches.scores.tolist(),
                geometry.inliers.tolist(),
                strict=True,
            )
            results.append(
                PairResult(
                    score=scores[self.method.score],
                    scores=scores,
                    matches=[
                        Match(
                            query=query.points[i],
                            database=other.points[j],
                            confidence=confidence,
                            verified=verified,
                        )
                        for (i, j), confidence, verified in points
                        if with_matches
                    ],
                )
            )
        return results


@dataclass(frozen=True, eq=False)
class _Described:
    """Features and where their keypoints are in the photo."""

    features: Features
    points: list[Any]


def match_router(method: Method, source: Source) -> APIRouter:
    """The endpoint, to be included in a FastAPI application.

    Raises ``MissingExtra`` without FastAPI.
    """
    try:
        from fastapi import APIRouter, HTTPException
    except ImportError as error:
        raise MissingExtra("POST /match/ needs FastAPI: pip install 'resight[service]'") from error

    router = APIRouter()
    matching = Matching(method, source)

    @router.post("/match/", summary="Match one photo with others")
    def match(asked: MatchRequest) -> MatchResponse:
        """Scores and matched points of the query with each photo of ``database``, in order.

        A photo of ``database`` that cannot be used has an ``error`` in place of a score; a
        query that cannot is answered with 400.
        """
        try:
            return matching.match(asked)
        except PhotoError as error:
            raise HTTPException(400, str(error)) from error

    return router
