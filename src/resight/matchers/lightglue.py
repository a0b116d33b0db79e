"""LightGlue: keypoints of two photos matched by a transformer that stops when it is sure.

Lindenberger, Sarlin and Pollefeys, "LightGlue: Local Feature Matching at Light Speed",
2023, https://arxiv.org/abs/2306.13643.

Two graphs per layer, attention within each photo and attention between both, so what depends
on the data happens between layers in NumPy: a pair whose points are confident leaves the
batch (depth), points that are confidently unmatchable are dropped (width). One query is
matched with many photos at once; photos of similar numbers of keypoints share a batch,
shorter ones padded and masked, so a pair's result does not depend on its batch mates.
Differs from the authors' code in that only, and in taking several pairs at once while pruning.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from resight.engine import Engine, Graph
from resight.errors import IncompatibleFeatures, SettingsError, UnknownMethod
from resight.fingerprints import fingerprint
from resight.matchers.padded import Batch, Side, rounded
from resight.models.folder import weights_path
from resight.models.graphs import ModelGraph
from resight.models.table import weights
from resight.types import Features, Matches


class _Network(NamedTuple):
    """The features it was trained for, its templates, its layers, how its file names weights.

    ``input``: the template that makes tokens. ``oriented``: it is told keypoints' scales and
    orientations too.
    """

    family: str
    templates: str = "lightglue"
    layers: int = 9
    names: tuple[tuple[str, str], ...] = ()
    input: str = "input"
    oriented: bool = False


#: How the two files that were published first name the weights of layers.
_FIRST_NAMES = (
    ("transformers.0.self_attn.", "self_attn.0."),
    ("transformers.0.cross_attn.", "cross_attn.0."),
)
_NETWORKS = {
    "aliked-lightglue": _Network("aliked"),
    "disk-lightglue": _Network("disk", names=_FIRST_NAMES),
    "sift-lightglue": _Network("sift", input="oriented-input", oriented=True),
    "superpoint-lightglue": _Network("superpoint", names=_FIRST_NAMES, input="plain-input"),
    "xfeat-lighterglue": _Network("xfeat", "lighterglue", 6, (("", "matcher."),)),
}
#: Keypoints per batch and photo; bounds memory and is where larger batches stop paying.
_BATCH_POINTS = 4096


class LightGlue:
    """LightGlue with the weights ``model``, which say what features it ``accepts``.

    aliked-lightglue, disk-lightglue, sift-lightglue and superpoint-lightglue have nine layers;
    xfeat-lighterglue is LighterGlue, with six narrower ones, whose authors never stop early and
    use a ``width_confidence`` of 0.95. Those for SIFT, which reads scales and orientations too,
    and SuperPoint were **not tried with the authors' weights**: no copy was to be had.

    ``depth_confidence`` in (0, 1]: stop after the layer where more than this share of the
    points is confident; -1 runs all. ``width_confidence`` in (0, 1]: drop points
    whose matchability is below one minus this once they are confident; -1 keeps all.
    ``filter_threshold``: matches need more confidence than this. ``layers``: how many
    to run at most, 0 for all; a few are a cheap first look at many photos.

    ``Matches.confidences`` are those of all query points before the filter. Layers run in the
    engine's precision; input and assignment in float32.
    Raises ``WeightsMissing`` when made, ``IncompatibleFeatures`` and ``EngineError`` by ``match``.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        model: str = "aliked-lightglue",
        depth_confidence: float = 0.95,
        width_confidence: float = 0.99,
        filter_threshold: float = 0.1,
        layers: int = 0,
    ) -> None:
        for name, value in (("depth", depth_confidence), ("width", width_confidence)):
            if value != -1 and not 0 < value <= 1:
                raise SettingsError(f"{name}_confidence must be in (0, 1] or -1, got {value}")
        if not 0 <= filter_threshold < 1:
            raise SettingsError(f"filter_threshold must be in [0, 1), got {filter_threshold}")
        if model not in _NETWORKS:
            raise UnknownMethod(
                f"LightGlue has no model {model!r}: there are {', '.join(_NETWORKS)}"
            )
        self._network = _NETWORKS[model]
        if not 0 <= layers <= self._network.layers:
            raise SettingsError(f"layers must be 0 to {self._network.layers}, got {layers}")
        self.accepts = frozenset({self._network.family})
        self.engine = engine
        self.model = model
        self.depth_confidence = depth_confidence
        self.width_confidence = width_confidence
        self.filter_threshold = filter_threshold
        self.layers = layers
        weights_path(model)  # says so now if it is missing, whatever was compiled before
        # Layers are loaded now, so that errors come early; heads when a pair first stops there.
        self._input = self._load("input")
        count = layers or self._network.layers
        self._self = [self._load("self", i) for i in range(count)]
        self._cross = [self._load("cross", i) for i in range(count)]
        self._heads: dict[tuple[str, int], Graph] = {}  # kept: the engine forgets what nobody holds
        #: Of the layers; input and assignment run in f32.
        self.precision = self._self[0].precision
        self.fingerprint = fingerprint(
            "lightglue.v2",
            depth_confidence=depth_confidence,
            engine=engine.name,
            filter_threshold=filter_threshold,
            graphs=_digest(model),
            layers=count,
            precision=self.precision,
            weights=weights(model).sha256,
            width_confidence=width_confidence,
        )

    def match(self, query: Features, gallery: Sequence[Features]) -> list[Matches]:
        for features in (query, *gallery):
            if features.family not in self.accepts:
                raise IncompatibleFeatures(
                    f"{self.model} was trained for features of {self._network.family}, "
                    f"not of {features.family}: choose the matcher made for them, or nearest"
                )
        results: list[Matches] = [_no_matches(len(query))] * len(gallery)
        batches = list(_batches(len(query), [len(features) for features in gallery]))
        if not len(query) or not batches:
            return results
        # The query's first attention to itself is the same whatever photo it meets.
        with self._encoded([query], rounded(len(query))) as side, self._within(side, 0) as first:
            sides = first.repeat(max(map(len, batches)))
        for members in batches:
            for row, matches in self._run(sides.first(len(members)), [gallery[i] for i in members]):
                results[members[row]] = matches
        return results

    @contextmanager
    def _encoded(self, photos: Sequence[Features], width: int) -> Iterator[Side]:
        """Tokens, rotations and mask of several photos, padded to ``width`` points."""
        descriptors = np.zeros((len(photos), width, photos[0].descriptors.shape[1]), np.float32)
        numbers = 4 if self._network.oriented else 2
        positions = np.zeros((len(photos), width, numbers), np.float32)
        index = np.full((len(photos), width), -1)
        for row, features in enumerate(photos):
            n = len(features)
            descriptors[row, :n] = features.descriptors
            positions[row, :n] = _placed(features, oriented=self._network.oriented)
            index[row, :n] = np.arange(n)
        with self._input.running({"descriptors": descriptors, "keypoints": positions}) as outputs:
            tokens, cosines, sines = outputs
            yield Side(tokens, cosines, sines, index)

    @contextmanager
    def _within(self, side: Side, layer: int) -> Iterator[Side]:
        """After the attention of one layer within each photo."""
        inputs = {
            "tokens": side.tokens,
            "cosines": side.cosines,
            "sines": side.sines,
            "bias": side.bias,
        }
        with self._self[layer].running(inputs) as (tokens,):
            yield replace(side, tokens=tokens)

    @contextmanager
    def _between(self, batch: Batch, layer: int) -> Iterator[Batch]:
        """After the attention of one layer between the photos of each pair."""
        with self._cross[layer].running(batch.tokens_and_bias) as (tokens0, tokens1):
            yield replace(
                batch,
                query=replace(batch.query, tokens=tokens0),
                gallery=replace(batch.gallery, tokens=tokens1),
            )

    def _run(self, query: Side, photos: list[Features]) -> Iterator[tuple[int, Matches]]:
        """Match a query, after its first attention to itself; yields (photo, matches) as
        pairs finish. Tokens stay in the engine's own memory from graph to graph: what one
        gives the next one reads, and only rows or points that drop out cause a copy.
        """
        count = int((query.index[0] >= 0).sum())
        with ExitStack() as held:
            width = rounded(max(len(features) for features in photos))
            batch = Batch(
                rows=np.arange(len(photos)),
                points=np.array([count + len(features) for features in photos]),
                query=query,
                gallery=held.enter_context(self._encoded(photos, width)),
            )
            for layer in range(len(self._self)):
                sides = [batch.query, batch.gallery]
                for i in (0, 1) if layer else (1,):
                    sides[i] = held.enter_context(self._within(sides[i], layer))
                batch = replace(batch, query=sides[0], gallery=sides[1])
                batch = held.enter_context(self._between(batch, layer))
                if layer == len(self._self) - 1:
                    done = np.ones(len(batch.rows), bool)
                else:
                    batch, done = self._adapt(batch, layer)
                if done.any():
                    yield from self._finish(batch.only(done), layer, count)
                    batch = batch.only(~done)
                if not len(batch.rows):
                    return

    def _adapt(self, batch: Batch, layer: int) -> tuple[Batch, NDArray[np.bool_]]:
        """Early exit and pruning after a layer: the batch with fewer points, and who is done."""
        done = np.zeros(len(batch.rows), bool)
        if self.depth_confidence == -1 and self.width_confidence == -1:
            return batch, done
        threshold = min(max(0.8 + 0.1 * math.exp(-4.0 * layer / self._network.layers), 0.0), 1.0)
        sides = (batch.query, batch.gallery)
        confidence0, confidence1, matchability0, matchability1 = self._head(
            "confidence", layer
        ).run({"tokens0": batch.query.tokens, "tokens1": batch.gallery.tokens})
        if self.depth_confidence != -1:
            unsure = sum(
                ((confidence < threshold) & side.valid).sum(1)
                for confidence, side in zip((confidence0, confidence1), sides, strict=True)
            )
            done = 1.0 - unsure / batch.points > self.depth_confidence
        if self.width_confidence != -1:
            pruned = []
            for side, confidence, matchability in zip(
                sides, (confidence0, confidence1), (matchability0, matchability1), strict=True
            ):
                keep = matchability > 1.0 - self.width_confidence
                if self.depth_confidence != -1:
                    keep |= confidence <= threshold  # a point that is not sure is never dropped
                pruned.append(side.kept(keep | done[:, None]))
            batch = replace(batch, query=pruned[0], gallery=pruned[1])
            done = done | ~batch.query.valid.any(1) | ~batch.gallery.valid.any(1)
        return batch, done

    def _finish(self, batch: Batch, layer: int, count: int) -> Iterator[tuple[int, Matches]]:
        head = self._head("assignment", layer)
        inputs = batch.tokens_and_bias
        for i, row in enumerate(batch.rows):
            # One by one: as fast, and in a part of the memory.
            score0, best0, best1 = head.run(
                {name: each[i : i + 1] for name, each in inputs.items()}
            )
            yield (
                int(row),
                self._matches(
                    (score0[0], best0[0], best1[0]),
                    (batch.query.index[i], batch.gallery.index[i]),
                    layers=layer + 1,
                    count=count,
                ),
            )

    def _matches(
        self,
        assignment: tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]],
        index: tuple[NDArray[np.int64], NDArray[np.int64]],
        *,
        layers: int,
        count: int,
    ) -> Matches:
        """Mutual best partners of one pair, by the index of the original keypoints."""
        score0, best0, best1 = assignment
        index0, index1 = index
        slots = np.arange(len(best0))
        mutual = (best1[best0] == slots) & (index0 >= 0) & (index1[best0] >= 0)
        slots = slots[mutual]
        confidences = np.zeros(count, np.float32)
        confidences[index0[slots]] = np.exp(score0[slots])
        pairs = np.stack([index0[slots], index1[best0[slots]]], 1).astype(np.int32)
        pairs = pairs[np.argsort(pairs[:, 0])]
        scores = confidences[pairs[:, 0]]
        keep = scores > self.filter_threshold
        return Matches(pairs[keep], scores[keep], confidences, layers)

    def _head(self, part: str, layer: int) -> Graph:
        key = part, layer
        if key not in self._heads:
            self._heads[key] = self._load(part, layer)
        return self._heads[key]

    def _load(self, part: str, layer: int | None = None) -> Graph:
        graph = _graph(self.model, part, layer)
        return self.engine.load(graph, exact=part not in ("self", "cross"))


@cache
def _graph(model: str, part: str, layer: int | None) -> ModelGraph:
    network = _NETWORKS[model]
    template = network.input if part == "input" else part
    return ModelGraph(model, f"{network.templates}-{template}", layer, names=network.names)


def _digest(model: str) -> str:
    """Of one graph of each template."""
    parts = (("input", None), *((p, 0) for p in ("self", "cross", "confidence", "assignment")))
    digests = "".join(_graph(model, *part).digest for part in parts)
    return hashlib.sha256(digests.encode()).hexdigest()[:16]


def _placed(features: Features, *, oriented: bool) -> NDArray[np.float32]:
    """Keypoints relative to the chip's centre, in halves of its long edge, as trained.

    (N, 2), or (N, 4) with diameters in pixels and clockwise angles in radians, as OpenCV has them.
    """
    size = np.array(features.size, np.float32)
    relative: NDArray[np.float32] = (features.keypoints - size / 2) / (size.max() / 2)
    if not oriented:
        return relative
    if features.scales is None or features.orientations is None:
        raise IncompatibleFeatures(
            f"{features.fingerprint} gives no scales and orientations, which LightGlue for "
            f"{features.family} needs: extract with sift, or use the matcher nearest"
        )
    clockwise = np.deg2rad((360 - features.orientations) % 360)
    return np.column_stack([relative, features.scales, clockwise]).astype(np.float32)


def _batches(query: int, counts: Sequence[int]) -> Iterator[list[int]]:
    """Gallery photos with keypoints, most first, in batches of like counts."""
    order = sorted((i for i, n in enumerate(counts) if n), key=lambda i: -counts[i])
    while order:
        size = max(1, _BATCH_POINTS // max(rounded(query), rounded(counts[order[0]])))
        yield order[:size]
        order = order[size:]


def _no_matches(count: int) -> Matches:
    return Matches(
        np.zeros((0, 2), np.int32), np.zeros(0, np.float32), np.zeros(count, np.float32), 0
    )
