"""Features kept beside the catalogue: the same whether kept or made."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resight.catalogue import (
    Catalogue,
    ImportPlan,
    PlannedPhoto,
    Prepared,
    plan_folders,
    purging,
)
from resight.catalogue.arrays import FeatureStore
from resight.catalogue.originals import Originals
from resight.identify import Identifier
from resight.matchers.nearest import NearestNeighbour
from resight.method import Method
from resight.shortlist.index import Shortlist
from resight.shortlist.packed import PackedDescriptors
from resight.types import Box, Chip, Features

Draw = Callable[..., Path]


class Corners:
    """An extractor that describes some pixels of a chip and counts its chips."""

    family = "corners"
    max_keypoints = 4

    def __init__(self, fingerprint: str = "corners.v1") -> None:
        self.fingerprint = fingerprint
        self.batches: list[int] = []
        self.sizes: list[tuple[int, int]] = []

    def extract(self, chips: Sequence[Chip]) -> list[Features]:
        self.batches.append(len(chips))
        self.sizes += [chip.size for chip in chips]
        return [self._one(chip) for chip in chips]

    def _one(self, chip: Chip) -> Features:
        rows = (chip.pixels[:4, 0] / 255).astype(np.float32)
        return Features(
            keypoints=np.linspace(0, 1, 2 * len(rows), dtype=np.float32).reshape(-1, 2),
            descriptors=rows,
            scores=rows[:, 0],
            size=chip.size,
            family=self.family,
            metric="cosine",
            fingerprint=self.fingerprint,
        )


@pytest.fixture
def filled(catalogue: Catalogue, herd: Path) -> Catalogue:
    list(catalogue.add(plan_folders(herd), actor="ann"))
    return catalogue


def ids(catalogue: Catalogue) -> list[str]:
    return [record.id for record in catalogue.annotations()]


def same(a: Features | None, b: Features | None) -> bool:
    if a is None or b is None:
        return False
    arrays = ("keypoints", "descriptors", "scores", "scales", "orientations")
    return (a.size, a.family, a.metric, a.fingerprint) == (
        b.size,
        b.family,
        b.metric,
        b.fingerprint,
    ) and all(
        (getattr(a, name) is None and getattr(b, name) is None)
        or (
            getattr(a, name).dtype == getattr(b, name).dtype
            and np.array_equal(getattr(a, name), getattr(b, name))
        )
        for name in arrays
    )


def test_features_are_made_once(filled: Catalogue) -> None:
    extractor = Corners()
    made = list(filled.features(ids(filled), extractor, long_edge=32))
    assert extractor.batches == [4]
    again = list(filled.features(ids(filled), extractor, long_edge=32))
    assert extractor.batches == [4]
    assert all(map(same, made, again))
    assert made[0] is not None
    assert made[0].size == (32, 21)
    assert filled.features_on_disk() > 0


def test_only_what_is_missing_is_made(filled: Catalogue) -> None:
    extractor = Corners()
    first = list(filled.features(ids(filled)[1:2], extractor, long_edge=32))
    both = list(filled.features(ids(filled), extractor, long_edge=32))
    assert extractor.batches == [1, 3]
    assert same(first[0], both[1])


@pytest.mark.parametrize("other", ["fingerprint", "long_edge", "margin"])
def test_whatever_makes_them_is_in_the_key(filled: Catalogue, other: str) -> None:
    list(filled.features(ids(filled), Corners(), long_edge=32))
    extractor = Corners("corners.v2" if other == "fingerprint" else "corners.v1")
    edge, margin = 24 if other == "long_edge" else 32, 0.1 if other == "margin" else 0.0
    list(filled.features(ids(filled), extractor, long_edge=edge, margin=margin))
    assert extractor.batches == [4]


def test_another_box_has_other_features(catalogue: Catalogue, draw: Draw, tmp_path: Path) -> None:
    photo = draw(tmp_path / "1.png", 1)
    planned = tuple(
        PlannedPhoto(photo, "test", "1.png", name, box=Box(x, 0, 16, 16))
        for x, name in ((0, "Crush"), (20, "Squirt"))
    )
    list(catalogue.add(ImportPlan("test", planned), actor="ann"))
    one, two = catalogue.features(ids(catalogue), Corners(), long_edge=16)
    assert one is not None
    assert two is not None
    assert not np.array_equal(one.descriptors, two.descriptors)


@pytest.mark.parametrize("damage", ["cut", "bit", "empty"])
def test_damaged_features_are_noticed_and_made_again(
    filled: Catalogue, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    extractor = Corners()
    made = list(filled.features(ids(filled), extractor, long_edge=32))
    for file in (filled.folder / "features").rglob("*.safetensors"):
        data = bytearray(file.read_bytes())
        data[-5] ^= 64
        file.write_bytes(bytes({"cut": data[:-9], "bit": data, "empty": bytearray()}[damage]))
    assert len([f for f in filled.check() if "damaged" in f.message]) == 4
    with caplog.at_level(logging.WARNING):
        again = list(filled.features(ids(filled), extractor, long_edge=32))
    assert extractor.batches == [4, 4]
    assert caplog.text.count("is damaged and will be made again") == 4
    assert all(map(same, made, again))
    assert list(filled.check()) == []


def test_damaged_features_are_removed_by_a_repair(filled: Catalogue) -> None:
    list(filled.features(ids(filled), Corners(), long_edge=32))
    file = next((filled.folder / "features").rglob("*.safetensors"))
    file.write_bytes(b"")
    assert [f.repaired for f in filled.check(repair=True)] == [True]
    assert not file.exists()


def test_a_lost_or_exchanged_original_is_left_out_and_warned_of(
    filled: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = filled.original("Crush/1.png"), filled.original("Crush/2.png")
    wanted = [*filled.find("Crush/1.png"), *filled.find("Crush/2.png")]
    one.chmod(0o644)
    one.write_bytes(two.read_bytes())
    bad, good = filled.features(wanted, Corners(), long_edge=32)
    assert bad is None
    assert good is not None
    assert "photo Crush/1.png is left out" in caplog.text
    assert "not the photo that was added" in caplog.text
    assert "resight check" in caplog.text
    caplog.clear()
    one.unlink()
    assert list(filled.features(wanted[:1], Corners(), long_edge=32)) == [None]
    assert "photo Crush/1.png is left out" in caplog.text


def test_what_others_take_away_during_a_search_is_left_out_quietly(
    filled: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = [entry.annotation for entry in filled.entries()]
    asked = filled.features(wanted, Corners(), long_edge=32)
    (purged,) = filled.find("Squirt")
    filled.purge("Squirt/3.png", confirm="3.png", actor="ann")
    assert [each is None for each in asked] == [id == purged for id in wanted]
    assert caplog.text == ""


def test_of_a_photo_purged_while_its_features_are_made_none_are_kept(filled: Catalogue) -> None:
    class PurgesMeanwhile(Corners):
        def extract(self, chips: Sequence[Chip]) -> list[Features]:
            filled.purge("Squirt/3.png", confirm="3.png", actor="ann")
            return super().extract(chips)

    wanted = [entry.annotation for entry in filled.entries()]
    (purged,) = filled.find("Squirt")
    sha256 = filled.annotations([purged])[0].photo.sha256
    made = list(filled.features(wanted, PurgesMeanwhile(), long_edge=32))
    assert [each is None for each in made] == [id == purged for id in wanted]
    assert list(filled.folder.rglob(f"*{sha256}*")) == []
    assert list(filled.check()) == []


def test_annotations_that_are_gone_have_no_features(filled: Catalogue) -> None:
    wanted = [entry.annotation for entry in filled.entries()]
    filled.undo(actor="ann")
    assert list(filled.features(wanted, Corners(), long_edge=32)) == [None] * 3


def test_features_go_with_a_purged_photo_and_all_at_once(filled: Catalogue) -> None:
    list(filled.features(ids(filled), Corners(), long_edge=32))
    sha256 = filled.annotations(filled.find("Squirt"))[0].photo.sha256
    filled.purge(sha256, confirm="3.png", actor="ann")
    assert list(filled.folder.rglob(f"*{sha256}*")) == []
    assert len(list((filled.folder / "features").rglob("*.safetensors"))) == 3
    filled.delete_features()
    assert filled.features_on_disk() == 0
    filled.delete_features()


def test_prepare_makes_what_the_gallery_lacks_and_tells_how_far(filled: Catalogue) -> None:
    extractor, told = Corners(), list[tuple[str, int, int]]()
    list(filled.features(filled.find("Crush/1.png"), extractor, long_edge=32))
    first = filled.prepare(extractor, long_edge=32, progress=lambda *step: told.append(step))
    assert first == Prepared(made=2, kept=1, missing=0)
    packed = [("packing", done, 3) for done in (1, 2, 3)]
    assert told == [("describing", 1, 2), ("describing", 2, 2), *packed]
    assert extractor.batches == [1, 2]
    assert filled.prepare(extractor, long_edge=32) == Prepared(made=0, kept=3, missing=0)


def test_prepare_takes_chips_of_one_shape_together(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    shapes = [(48, 32), (32, 48), (40, 40)]
    for seed in range(12):
        draw(tmp_path / "many" / "Crush" / f"{seed:02}.png", seed, shapes[seed % 3])
    list(catalogue.add(plan_folders(tmp_path / "many"), actor="ann"))
    extractor = Corners()
    assert catalogue.prepare(extractor, long_edge=30).made == 12
    assert extractor.sizes == [(20, 30)] * 4 + [(30, 30)] * 4 + [(30, 20)] * 4


def test_prepare_counts_lost_originals(filled: Catalogue) -> None:
    filled.original("Crush/1.png").unlink()
    assert filled.prepare(Corners(), long_edge=32) == Prepared(made=2, kept=0, missing=1)


def test_what_was_made_before_a_stop_is_kept(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    for seed in range(20):
        draw(tmp_path / "many" / "Crush" / f"{seed:02}.png", seed)
    list(catalogue.add(plan_folders(tmp_path / "many"), actor="ann"))

    def stop(stage: str, done: int, total: int) -> None:
        if done == 9:
            raise KeyboardInterrupt

    extractor = Corners()
    with pytest.raises(KeyboardInterrupt):
        catalogue.prepare(extractor, long_edge=32, progress=stop)
    assert [t for t in threading.enumerate() if t.name.startswith("resight-features")] == []
    kept = sum(extractor.batches)
    assert 9 <= kept < 20
    assert catalogue.prepare(extractor, long_edge=32) == Prepared(20 - kept, kept, missing=0)


def test_features_come_in_the_order_asked_for_whatever_was_kept(
    catalogue: Catalogue, draw: Draw, tmp_path: Path
) -> None:
    for seed in range(20):
        draw(tmp_path / "many" / "Crush" / f"{seed:02}.png", seed)
    list(catalogue.add(plan_folders(tmp_path / "many"), actor="ann"))
    wanted = ids(catalogue)
    alone = [next(catalogue.features([id], Corners("alone.v1"), long_edge=32)) for id in wanted]
    list(catalogue.features(wanted[1::3], Corners(), long_edge=32))
    together = list(catalogue.features(wanted, Corners(), long_edge=32))
    for one, other in zip(alone, together, strict=True):
        assert one is not None
        assert other is not None
        assert np.array_equal(one.descriptors, other.descriptors)


def test_no_features_of_nobody(filled: Catalogue) -> None:
    assert list(filled.features([], Corners(), long_edge=32)) == []
    assert list(filled.features(["nobody"], Corners(), long_edge=32)) == [None]


@given(n=st.integers(0, 6), seed=st.integers(0, 99), bits=st.booleans(), optional=st.booleans())
def test_stored_features_come_back_as_they_were_given_back(
    tmp_path_factory: pytest.TempPathFactory, n: int, seed: int, bits: bool, optional: bool
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 8)).astype(np.float32)
    features = Features(
        keypoints=rng.uniform(0, 500, (n, 2)).astype(np.float32),
        descriptors=rng.integers(0, 256, (n, 4), dtype=np.uint8) if bits else values,
        scores=rng.random(n, np.float32),
        size=(512, 300),
        family="test",
        metric="hamming" if bits else "cosine",
        fingerprint="test.v1",
        scales=rng.random(n, np.float32) if optional else None,
        orientations=rng.random(n, np.float32) if optional else None,
    )
    store = FeatureStore(tmp_path_factory.mktemp("features"), "test.v1|512")
    given_back = store.save("ab" * 32, "whole", features)
    loaded = store.load("ab" * 32, "whole")
    assert loaded is not None
    assert same(loaded, given_back)
    assert np.array_equal(loaded.keypoints, features.keypoints)
    if bits:
        assert np.array_equal(loaded.descriptors, features.descriptors)
    else:
        np.testing.assert_allclose(loaded.descriptors, features.descriptors, rtol=1e-3, atol=1e-6)
    assert store.load("ab" * 32, "other") is None


def test_values_that_16_bits_cannot_hold_are_kept_in_32(tmp_path: Path) -> None:
    large = np.full((1, 2), 1e6, np.float32)
    features = Features(
        np.zeros((1, 2), np.float32), large, np.ones(1, np.float32), (8, 8), "t", "l2", "t.v1"
    )
    assert np.array_equal(
        FeatureStore(tmp_path, "t").save("ab" * 32, "", features).descriptors, large
    )


def test_prepare_packs_the_shortlist_which_a_purge_removes(filled: Catalogue) -> None:
    filled.prepare(Corners(), long_edge=32)
    (folder,) = (filled.folder / "features").glob("*/shortlist")
    packed = PackedDescriptors(folder / "packed")
    assert set(packed.slots) == {entry.described for entry in filled.entries()}
    assert filled.features_on_disk() >= packed.bytes_on_disk
    sha256 = filled.annotations(filled.find("Squirt"))[0].photo.sha256
    filled.purge(sha256, confirm="3.png", actor="ann")
    assert not folder.exists()


def test_a_purge_that_is_interrupted_leaves_no_shortlist_behind(
    filled: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.prepare(Corners(), long_edge=32)
    sha256 = filled.annotations(filled.find("Squirt"))[0].photo.sha256

    def interrupted(folder: Path) -> None:  # called after each file that is removed
        if not purging.files_of(Originals(filled.folder), sha256):
            raise KeyboardInterrupt

    monkeypatch.setattr(purging, "flush_folder", interrupted)
    with pytest.raises(KeyboardInterrupt):
        filled.purge(sha256, confirm="3.png", actor="ann")
    assert list((filled.folder / "features").glob("*/shortlist")) == []


def test_prepare_waits_for_what_is_made_in_the_background(
    filled: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[int] = []
    monkeypatch.setattr(Shortlist, "wait", lambda self, _: waited.append(len(self._packed.slots)))
    filled.prepare(Corners(), long_edge=32)
    assert waited == [len(filled.entries())]


def test_a_search_packs_what_the_shortlist_lacks_and_finds_it_next_time(filled: Catalogue) -> None:
    entries = filled.entries()
    (query,) = filled.features([entries[0].annotation], corners := Corners(), long_edge=32)
    assert query is not None
    method = Method("corners+nearest", corners, NearestNeighbour(), long_edge=32)
    for _ in range(2):
        identifier = Identifier(
            gallery=filled,
            method=method,
            shortlist=filled.shortlist(corners, long_edge=32),
        )
        shortlist = identifier.shortlist()
        scores = shortlist.scores(
            query, [entry.described for entry in entries], scanned=9, closely=99
        )
        assert np.isfinite(scores).all()
    assert sum(corners.batches) == len(entries)


@pytest.mark.parametrize("damaged", ["descriptors.f16", "slots.txt"])
def test_a_damaged_shortlist_is_found_and_packed_again(filled: Catalogue, damaged: str) -> None:
    filled.prepare(Corners(), long_edge=32)
    (path,) = (filled.folder / "features").glob(f"*/shortlist/packed/{damaged}")
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(data)
    (finding,) = filled.check(repair=True)
    assert (finding.severity, finding.repaired) == ("warning", True)
    assert finding.message == "it is damaged: it will be packed again"
    filled.prepare(Corners(), long_edge=32)
    assert list(filled.check()) == []
