"""Galleries that grow: features of up to 10,000 distinct photos, and of 100,000 made from them.

    python -m benchmarks.growth --work DIR --photos DIR --protocol CSV [--count 10000]

``benchmarks.growth_measure`` then searches among them.
Extracts by ALIKED n16, 512 keypoints, chips of 512 pixels, and keeps what is done in ``--work``:
it can be interrupted and goes on where it was. Half of the photos are

- ``drawn``: photos of animals of ``resight.testing``, one of each, of any difficulty. Easy to
  tell from real ones;
- ``derived``: made of the protocol's photos of animals that are no query's answer. Parts of two
  photos are cropped, perhaps mirrored, warped by a perspective and an elastic field, changed in
  hue and contrast, and laid over each other by a smooth random mask. They have the texture of
  real photos but are no animals; those made of one photo are more alike than animals are.

Beyond the distinct photos, each is used again with noise on its descriptors and keypoints. That
measures time and memory, and recall only as far as such copies are like other photos: a search
that is good at telling copies of one photo from the query rejects all of them at once.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from resight.evaluate.gallery import read_chip
from resight.evaluate.protocol import EvaluationProtocol, Row, read_protocol
from resight.extractors import Extractor
from resight.identify import Gallery
from resight.method import Method
from resight.photos import read_photo
from resight.registry import build_method
from resight.settings import load_settings
from resight.testing import DrawnAnimal, photograph
from resight.testing.noise import generator, smooth_noise
from resight.types import Chip, Features, GalleryEntry

KINDS = ("drawn", "derived", "mixed")
KEYPOINTS, DIMENSIONS, EDGE = 512, 128, 512
#: Of each component of a copy's descriptors, and pixels of its keypoints.
NOISE, JITTER = 0.03, 4.0
Pixels = NDArray[np.uint8]


def growth_method() -> Method:
    """What the features are made for."""
    settings = load_settings(
        [f"max_keypoints={KEYPOINTS}"], catalogue=None, environ={}, user_folder=Path("none")
    )
    return build_method("aliked-n16+lightglue", settings)


class Kept:
    """Features of distinct photos of one kind, in three memory-mapped arrays in a folder.

    ``descriptors`` (P, 512, 128) float16, ``points`` (P, 512, 3) float32 x, y, score, ``about``
    (P, 4) int32: 1 if the row is done, keypoints, width, height.
    """

    def __init__(self, folder: Path, count: int, fingerprint: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        made_by = folder / "fingerprint.txt"
        if made_by.exists() and made_by.read_text() != fingerprint:
            raise SystemExit(f"{folder} was made by {made_by.read_text()}; give another --work")
        made_by.write_text(fingerprint)
        self.descriptors = _mapped(folder / "descriptors.npy", np.float16, count, DIMENSIONS)
        self.points = _mapped(folder / "points.npy", np.float32, count, 3)
        self.about = _mapped(folder / "about.npy", np.int32, count)

    def put(self, row: int, features: Features) -> None:
        """Keep a photo's features; the row counts as done when all else is there."""
        count = len(features)
        self.descriptors[row, :count] = features.descriptors
        self.points[row, :count, :2] = features.keypoints
        self.points[row, :count, 2] = features.scores
        self.about[row] = (1, count, *features.size)

    def get(self, row: int, copy: int, extractor: Extractor) -> Features:
        """Features of a photo, or of its ``copy`` from 1 on."""
        done, count, w, h = map(int, self.about[row])
        if not done:
            raise SystemExit(f"photo {row} of {self.about.filename} has not been made yet")
        descriptors = self.descriptors[row, :count].astype(np.float32)
        points = np.array(self.points[row, :count])
        if copy:
            random = np.random.default_rng((row, copy))
            descriptors += random.normal(0, NOISE, descriptors.shape)
            descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
            points[:, :2] += random.normal(0, JITTER, (count, 2))
            points[:, :2] = points[:, :2].clip(0, (w - 1, h - 1))
        return Features(
            keypoints=np.ascontiguousarray(points[:, :2]),
            descriptors=descriptors,
            scores=np.ascontiguousarray(points[:, 2]),
            size=(w, h),
            family=extractor.family,
            metric="cosine",
            fingerprint=extractor.fingerprint,
        )


def _mapped(path: Path, dtype: type, count: int, last: int = 0) -> np.memmap:
    """An array on the disk, made sparse and of zeros if it is not there."""
    shape = (count, KEYPOINTS, last) if last else (count, 4)
    if not path.exists():
        np.lib.format.open_memmap(path, "w+", dtype, shape)
    array = np.lib.format.open_memmap(path, "r+")
    if array.shape != shape:
        raise SystemExit(f"{path} is of {array.shape[0]} photos, not {count}; give another --work")
    return array


class ProtocolGallery:
    """A protocol's gallery rows with features from the disk; a ``Gallery``."""

    def __init__(self, rows: Sequence[Row], kept: Kept) -> None:
        self._kept = kept
        self._entries = [
            GalleryEntry(
                f"{row.path} (line {row.line})", row.identity, row.path, row.side, row.encounter
            )
            for row in rows
        ]
        self._rows = {entry.annotation: number for number, entry in enumerate(self._entries)}

    def entries(self) -> Sequence[GalleryEntry]:
        """In the order of the rows."""
        return self._entries

    def features(
        self, annotations: Sequence[str], extractor: Extractor, /, **_: float
    ) -> Iterator[Features]:
        """One after the other."""
        return (self._kept.get(self._rows[name], 0, extractor) for name in annotations)


def protocol_gallery(
    protocol: EvaluationProtocol, photos: Path, work: Path, method: Method, console: Console
) -> ProtocolGallery:
    """A protocol's own gallery, described and kept in ``work`` if it was not yet."""
    rows = protocol.gallery
    folder = work / f"protocol-{protocol.sha256[:12]}"
    kept = Kept(folder, len(rows), method.extractor.fingerprint)
    make(kept, lambda row: read_chip(rows[row], photos, method)[0], method, console)
    return ProtocolGallery(rows, kept)


class GrownGallery:
    """A protocol's gallery and as many distractors as make ``size`` photos; a ``Gallery``.

    A distractor is an animal of its own, of unknown side, so that every query meets it.
    """

    def __init__(
        self, base: Gallery, kept: Sequence[tuple[str, Kept]], size: int, rows: int
    ) -> None:
        self._base = base
        own = list(base.entries())
        self._where: dict[str, tuple[Kept, int, int]] = {}
        for number in range(size - len(own)):
            kind, arrays = kept[number % len(kept)]
            copy, row = divmod(number // len(kept), rows)
            self._where[f"{kind} {row}, copy {copy}"] = (arrays, row, copy)
        self._entries = own + [GalleryEntry(name, name, name) for name in self._where]

    def entries(self) -> Sequence[GalleryEntry]:
        """The protocol's first, then the distractors."""
        return self._entries

    def features(
        self,
        annotations: Sequence[str],
        extractor: Extractor,
        /,
        *,
        long_edge: int,
        margin: float,
    ) -> Iterator[Features | None]:
        """One after the other: distractors from the disk, others from the protocol's gallery."""
        own = [name for name in annotations if name not in self._where]
        others = self._base.features(own, extractor, long_edge=long_edge, margin=margin)
        for name in annotations:
            if name in self._where:
                kept, row, copy = self._where[name]
                yield kept.get(row, copy, extractor)
            else:
                yield next(others)


def gallery(
    base: Gallery,
    kind: str,
    size: int,
    *,
    work: Path,
    count: int,
    method: Method,
    rows: int | None = None,
) -> GrownGallery:
    """``size`` photos of which those beyond ``base`` are distractors of a ``kind``.

    Of the distinct photos, the first ``rows`` of each folder, or all, are used.
    """
    if kind not in KINDS:
        raise SystemExit(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
    half = count // 2
    kinds = KINDS[:2] if kind == "mixed" else (kind,)
    kept = [(name, Kept(work / name, half, method.extractor.fingerprint)) for name in kinds]
    return GrownGallery(base, kept, size, rows or half)


def drawn_chip(method: Method, number: int) -> Chip:
    """The only photo of an animal that is drawn for it."""
    random = generator("growth drawn", number)
    animal = DrawnAnimal(f"Distractor {number}", 7, ("scutes", "stripes")[number % 2])
    photo = photograph(
        animal,
        seed=number,
        side=("left", "right")[int(random.integers(2))],
        difficulty=float(random.uniform(0.2, 0.8)),
    )
    return method.chip(photo.pixels, photo.box)


def no_answers(protocol: EvaluationProtocol) -> list[Row]:
    """The rows of animals that no query with an answer is of."""
    asked = zip(protocol.queries, protocol.known, strict=True)
    answers = {query.identity for query, known in asked if known}
    return [row for row in (*protocol.gallery, *protocol.queries) if row.identity not in answers]


def derived_chip(method: Method, number: int, sources: Sequence[Row], photos: Path) -> Chip:
    """A picture made of parts of two photos, of ``EDGE`` pixels and as high as the first part."""
    random = generator("growth derived", number)
    chosen = random.permutation(len(sources))[:2]
    parts = [_part(random, _source(method, photos / sources[i].path, sources[i])) for i in chosen]
    h, w = parts[0].shape[:2]
    first, second = (_changed(random, cv2.resize(part, (w, h))) for part in parts)
    mask = smooth_noise(random, (w, h), cell=EDGE / 3)
    share = np.clip(0.5 + mask * 4, 0, 1)[..., None]
    mixed = first * share + second * (1 - share)
    return method.chip(np.round(mixed).astype(np.uint8))


@lru_cache(maxsize=600)
def _source(method: Method, path: Path, row: Row) -> Pixels:
    """Decoded once: photos of a camera take longer to decode than to describe."""
    pixels: Pixels = method.chip(read_photo(path).pixels, row.box).pixels
    return pixels


def _part(random: np.random.Generator, pixels: Pixels) -> Pixels:
    """From half to nine tenths of each side, perhaps mirrored, enlarged to ``EDGE``."""
    h, w = pixels.shape[:2]
    cw, ch = (max(32, int(length * random.uniform(0.5, 0.9))) for length in (w, h))
    left, top = int(random.integers(max(1, w - cw))), int(random.integers(max(1, h - ch)))
    part = pixels[top : top + ch, left : left + cw]
    scale = EDGE / max(part.shape[:2])
    size = (max(64, round(part.shape[1] * scale)), max(64, round(part.shape[0] * scale)))
    enlarged: Pixels = cv2.resize(part, size, interpolation=cv2.INTER_CUBIC)
    return enlarged[:, ::-1] if random.random() < 0.5 else enlarged


def _changed(random: np.random.Generator, pixels: Pixels) -> NDArray[np.float32]:
    """Warped, and of another hue and contrast."""
    h, w = pixels.shape[:2]
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    moved = corners + random.uniform(-0.12, 0.12, (4, 2)).astype(np.float32) * (w, h)
    view = cv2.getPerspectiveTransform(moved.astype(np.float32), corners)
    grid = np.stack(np.meshgrid(np.arange(w), np.arange(h)), -1).astype(np.float32)
    places = cv2.perspectiveTransform(grid, view)
    for axis in (0, 1):
        places[..., axis] += smooth_noise(random, (w, h), cell=90) * random.uniform(3, 9)
    warped = cv2.remap(
        np.ascontiguousarray(pixels),
        places.astype(np.float32),
        None,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    hsv = cv2.cvtColor(warped, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + int(random.integers(-20, 21))) % 180
    colour = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.float32)
    changed = (colour - 128) * random.uniform(0.7, 1.3) + 128 + random.uniform(-20, 20)
    clipped: NDArray[np.float32] = np.clip(changed, 0, 255).astype(np.float32)
    return clipped


def make(kept: Kept, chip: Callable[[int], Chip], method: Method, console: Console) -> None:
    """Extract the photos that are not done yet, and tell how long that takes."""
    missing = np.flatnonzero(kept.about[:, 0] == 0)
    making = extracting = 0.0
    for done, row in enumerate(map(int, missing), start=1):
        began = time.process_time()
        made = chip(row)
        between = time.process_time()
        (features,) = method.extractor.extract([made])
        extracting += time.process_time() - between
        making += between - began
        kept.put(row, features)
        if done % 50 == 0 or done == len(missing):
            console.print(
                f"{done} of {len(missing)}: {making / done:.3f} s to make and "
                f"{extracting / done:.3f} s to extract a photo, of one core"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the features of growing galleries.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--protocol", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10_000)
    arguments = parser.parse_args()
    console, method = Console(), growth_method()
    sources = no_answers(read_protocol(arguments.protocol))
    if len(sources) < 2:
        raise SystemExit(f"all animals of {arguments.protocol} are answers; nothing to derive from")
    chips: dict[str, Callable[[int], Chip]] = {
        "drawn": lambda row: drawn_chip(method, row),
        "derived": lambda row: derived_chip(method, row, sources, arguments.photos),
    }
    for kind, chip in chips.items():
        console.print(f"{kind} (of {len(sources)} photos)" if kind == "derived" else kind)
        fingerprint = method.extractor.fingerprint
        make(Kept(arguments.work / kind, arguments.count // 2, fingerprint), chip, method, console)


if __name__ == "__main__":
    main()
