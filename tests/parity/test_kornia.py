"""ALIKED, DISK, XFeat and LightGlue agree with kornia's, on drawn animals and on real photos.

Stated tolerances: at least 98 % of the keypoints within 0.01 px of kornia's, at least 98 % of
their descriptors within 0.01, at least 98 % of LightGlue's matches equal, sums of confidences
within 1 %. (Peaks of nearly equal height may change places at the end of the list, and a
keypoint that lies on a pixel border by rounding reads another patch.) Keypoints are compared
where the score is above noise.
"""

import csv
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from kornia.feature import ALIKED, DISK
from kornia.feature import LightGlue as KorniaLightGlue
from kornia.feature import XFeat as KorniaXFeat

from resight.chips import make_chip
from resight.engine import Engine, open_engine
from resight.extractors.aliked import MODELS, Aliked
from resight.extractors.disk import Disk
from resight.extractors.xfeat import XFeat
from resight.matchers.lightglue import LightGlue
from resight.models.graphs import compiled_folder
from resight.photos import read_photo
from resight.testing import drawn_animals, photograph
from resight.testing.conformance import drawn_chip
from resight.types import Chip, Features, Matches

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),  # torch's and kornia's own
]
COUNT = 512
NOISE = 0.01  # of a score; a clear keypoint has 0.1 to 0.9


@cache
def exact(name: str = "openvino") -> Engine:
    return open_engine(name, precision="f32", cache=compiled_folder())


def sample_chips(photos: Path, sets: dict[str, int]) -> list[Chip]:
    with (photos / "annotations.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chips = []
    for name, count in sets.items():
        paths = sorted(row["path"] for row in rows if row["set"] == name)
        step = len(paths) // count
        chips += [make_chip(read_photo(photos / p).pixels) for p in paths[: step * count : step]]
    return chips


class Reference(NamedTuple):
    """What kornia found: tensors (N, 2), (N,), (N, D)."""

    keypoints: Any
    scores: Any
    descriptors: Any


def kornia_features(model: str, chips: list[Chip]) -> list[Reference]:
    network = ALIKED.from_pretrained(model, max_num_keypoints=COUNT, detection_threshold=0.0)
    with torch.inference_mode():
        found = [network(photo_tensor(chip))[0] for chip in chips]
    return [Reference(each.keypoints, each.keypoint_scores, each.descriptors) for each in found]


def kornia_xfeat(chips: list[Chip]) -> list[Reference]:
    network = KorniaXFeat.from_pretrained(top_k=COUNT)
    references = []
    for chip in chips:
        (found,) = network.detectAndCompute(photo_tensor(chip))
        # kornia's pixels are counted from corner to corner, ours from centre to centre.
        ratio = torch.tensor([side / (side // 32 * 32) for side in chip.size])
        keypoints = found["keypoints"] + (ratio - 1) / 2
        references.append(Reference(keypoints, found["scores"], found["descriptors"]))
    return references


def kornia_disk(chips: list[Chip]) -> list[Reference]:
    network = DISK.from_pretrained("depth")
    with torch.inference_mode():
        found = [
            network(photo_tensor(chip), n=COUNT, pad_if_not_divisible=True)[0] for chip in chips
        ]
    return [Reference(each.keypoints, each.detection_scores, each.descriptors) for each in found]


def photo_tensor(chip: Chip) -> Any:
    return torch.tensor(chip.pixels.transpose(2, 0, 1)[None] / np.float32(255))


def assert_same_features(ours: Features, reference: Reference, noise: float = NOISE) -> None:
    """Both ways; peaks below ``noise`` are maxima of rounding errors on even ground."""
    keypoints, scores, descriptors = (each.numpy() for each in reference)
    distance = np.linalg.norm(ours.keypoints[:, None] - keypoints[None], axis=2)
    for clear, nearest in (
        (ours.scores > noise, distance.min(1, initial=np.inf)),
        (scores > noise, distance.min(0, initial=np.inf)),
    ):
        assert clear.sum() > 20
        assert (nearest[clear] < 0.01).sum() >= 0.98 * clear.sum()
    same = (ours.scores > noise) & (distance.min(1, initial=np.inf) < 0.01)
    difference = np.abs(ours.descriptors - descriptors[distance.argmin(1)]).max(1)[same]
    assert (difference < 0.01).sum() >= 0.98 * same.sum()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_aliked_on_drawings(name: str, model: str) -> None:
    chips = [drawn_chip(1), drawn_chip(2, (310, 150)), drawn_chip(3, (65, 200))]
    extractor = Aliked(engine=exact(name), model=model, max_keypoints=COUNT, strict=True)
    for ours, reference in zip(
        extractor.extract(chips), kornia_features(model, chips), strict=True
    ):
        assert_same_features(ours, reference)


@pytest.mark.photos
def test_aliked_on_real_photos(photos_folder: Path) -> None:
    chips = sample_chips(photos_folder, {"turtle_heads": 6, "nyala": 4, "cows": 4})
    extractor = Aliked(engine=exact(), max_keypoints=COUNT, strict=True)
    for ours, reference in zip(
        extractor.extract(chips), kornia_features("aliked-n16", chips), strict=True
    ):
        assert_same_features(ours, reference)


@pytest.mark.parametrize(
    ("make", "reference"), [(Disk, kornia_disk), (XFeat, kornia_xfeat)], ids=["disk", "xfeat"]
)
@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_disk_and_xfeat_on_drawings(name: str, make: Any, reference: Any) -> None:
    chips = [drawn_chip(1), drawn_chip(2, (310, 150)), drawn_chip(3, (65, 200))]
    extractor = make(engine=exact(name), max_keypoints=COUNT)
    for ours, theirs in zip(extractor.extract(chips), reference(chips), strict=True):
        assert_same_features(ours, theirs, noise=0)


@pytest.mark.photos
@pytest.mark.parametrize(
    ("make", "reference"), [(Disk, kornia_disk), (XFeat, kornia_xfeat)], ids=["disk", "xfeat"]
)
def test_disk_and_xfeat_on_real_photos(photos_folder: Path, make: Any, reference: Any) -> None:
    chips = sample_chips(photos_folder, {"turtle_heads": 4, "nyala": 2, "cows": 2})
    extractor = make(engine=exact(), max_keypoints=COUNT)
    for ours, theirs in zip(extractor.extract(chips), reference(chips), strict=True):
        assert_same_features(ours, theirs, noise=0)


def kornia_matches(query: Features, gallery: list[Features], **confidence: float) -> list[Any]:
    network = KorniaLightGlue(query.family, **confidence).eval()
    results = []
    for features in gallery:
        with torch.inference_mode():
            results.append(network({"image0": as_torch(query), "image1": as_torch(features)}))
    return results


def as_torch(features: Features) -> dict[str, Any]:
    return {
        "keypoints": torch.tensor(features.keypoints)[None],
        "descriptors": torch.tensor(features.descriptors)[None],
        "image_size": torch.tensor([features.size]),
    }


def compare(ours: list[Matches], reference: list[Any]) -> tuple[float, float]:
    """Share of the reference's matches found, and largest relative difference of the sums."""
    found = total = 0
    worst = 0.0
    for matches, other in zip(ours, reference, strict=True):
        expected = {tuple(pair) for pair in other["matches"][0].tolist()}
        mine = {tuple(pair) for pair in matches.pairs.tolist()}
        found += len(expected & mine)
        total += len(expected | mine)
        assert matches.confidences is not None
        sums = float(matches.confidences.sum()), float(other["matching_scores0"].sum())
        worst = max(worst, abs(sums[0] - sums[1]) / max(sums[1], 1.0))
        assert matches.layers == other["stop"]
    return found / total, worst


@pytest.mark.parametrize("adaptive", [True, False])
@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_lightglue_on_drawings(name: str, adaptive: bool) -> None:
    extractor = Aliked(engine=exact(name), max_keypoints=200)
    query, *gallery = extractor.extract([drawn_chip(seed) for seed in (1, 1, 2, 3)])
    confidence: Any = {} if adaptive else {"depth_confidence": -1.0, "width_confidence": -1.0}
    ours = LightGlue(engine=exact(name), **confidence).match(query, gallery)
    same, difference = compare(ours, kornia_matches(query, gallery, **confidence))
    assert same >= 0.98
    assert difference <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("family", ["aliked", "disk", "xfeat"])
def test_lightglue_on_fifty_drawn_pairs(family: str, record_property: Any) -> None:
    photos = [
        photograph(animal, seed=seed, difficulty=0.4)
        for animal in (*drawn_animals(4), drawn_animals(1, kind="stripes")[0])
        for seed in (1, 2)
    ]
    chips = [make_chip(photo.pixels, photo.box) for photo in (*photos, photos[0])]
    check_fifty_pairs(family, chips, record_property)


@pytest.mark.photos
@pytest.mark.slow
def test_lightglue_on_fifty_real_pairs(photos_folder: Path, record_property: Any) -> None:
    chips = sample_chips(photos_folder, {"turtle_heads": 7, "nyala": 4})
    check_fifty_pairs("aliked", chips, record_property)


#: How LightGlue is made for each family; kornia's for XFeat always prunes, as its authors' does.
MATCHING: dict[str, tuple[Any, dict[str, Any]]] = {
    "aliked": (Aliked, {"model": "aliked-lightglue", "width_confidence": -1}),
    "disk": (Disk, {"model": "disk-lightglue", "width_confidence": -1}),
    "xfeat": (XFeat, {"model": "xfeat-lighterglue", "width_confidence": 0.95}),
}


def check_fifty_pairs(family: str, chips: list[Chip], record_property: Any) -> None:
    """Five of eleven chips against the ten others, all layers."""
    make, arguments = MATCHING[family]
    features = make(engine=exact(), max_keypoints=COUNT).extract(chips)
    matcher = LightGlue(engine=exact(), depth_confidence=-1, **arguments)
    same, worst = [], []
    for query in features[:5]:
        gallery = [other for other in features if other is not query]
        share, difference = compare(
            matcher.match(query, gallery),
            kornia_matches(query, gallery, depth_confidence=-1.0, width_confidence=-1.0),
        )
        same.append(share)
        worst.append(difference)
    record_property("matches_equal", min(same))
    record_property("sum_difference", max(worst))
    assert min(same) >= 0.98
    assert max(worst) <= 0.01
