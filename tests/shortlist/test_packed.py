"""Descriptors packed side by side: what is kept, and what a killed process may leave."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from resight.shortlist import packed as module
from resight.shortlist.packed import KEYPOINTS, PackedDescriptors, Removed, unit_vectors
from resight.types import Features


def features(count: int, seed: int = 0, *, metric: str = "cosine", length: int = 8) -> Features:
    rng = np.random.default_rng(seed)
    descriptors = (
        rng.integers(0, 256, (count, length), dtype=np.uint8)
        if metric == "hamming"
        else rng.normal(size=(count, length)).astype(np.float32)
    )
    return Features(
        keypoints=np.zeros((count, 2), np.float32),
        descriptors=descriptors,
        scores=np.ones(count, np.float32),
        size=(10, 10),
        family="drawn",
        metric=metric,
        fingerprint="drawn.v1()",
    )


def test_what_was_packed_is_there_for_the_next_process(tmp_path: Path) -> None:
    PackedDescriptors(tmp_path / "s").add([("a", features(3)), ("b", features(0))])
    packed = PackedDescriptors(tmp_path / "s")
    packed.add([("c d", features(KEYPOINTS + 5, seed=1))])
    again = PackedDescriptors(tmp_path / "s")
    assert again.slots == {"a": 0, "b": 1, "c d": 2}
    assert again.counts.tolist() == [3, 0, KEYPOINTS]
    expected = unit_vectors(features(3)).astype(np.float16)
    np.testing.assert_array_equal(again.descriptors[0, :3], expected)
    assert not again.descriptors[0, 3:].any()
    assert again.bytes_on_disk == sum(p.stat().st_size for p in (tmp_path / "s").iterdir())


@pytest.mark.parametrize("cut", [1, 4, 9])
def test_a_line_that_was_not_finished_does_not_count(tmp_path: Path, cut: int) -> None:
    PackedDescriptors(tmp_path / "s").add([("first", features(3)), ("second", features(4))])
    lines = tmp_path / "s" / "slots.txt"
    lines.write_bytes(lines.read_bytes()[:-cut])
    packed = PackedDescriptors(tmp_path / "s")
    assert packed.slots == {"first": 0}
    packed.add([("third", features(2, seed=5))])
    again = PackedDescriptors(tmp_path / "s")
    assert again.slots == {"first": 0, "third": 1}
    expected = unit_vectors(features(2, seed=5)).astype(np.float16)
    np.testing.assert_array_equal(again.descriptors[1, :2], expected)
    assert again.damaged() == []


def test_a_line_without_its_descriptors_does_not_count(tmp_path: Path) -> None:
    PackedDescriptors(tmp_path / "s").add([("first", features(3)), ("second", features(4))])
    array = tmp_path / "s" / "descriptors.f16"
    array.write_bytes(array.read_bytes()[:-1])
    assert PackedDescriptors(tmp_path / "s").slots == {"first": 0}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"another.v7 8\n3 1 a\n",
        b"resight-packed.v1 8\nthree\n",
        b"resight-packed.v1 0\n3 1 a\n",
        b"\xff\xfe\n",
    ],
)
def test_a_file_that_is_none_of_ours_is_made_again(tmp_path: Path, text: bytes) -> None:
    packed = PackedDescriptors(tmp_path / "s")
    packed.add([("a", features(3))])
    (tmp_path / "s" / "slots.txt").write_bytes(text)
    packed = PackedDescriptors(tmp_path / "s")
    assert packed.slots == {}
    packed.add([("b", features(2))])
    assert PackedDescriptors(tmp_path / "s").slots == {"b": 0}


def test_who_only_reads_removes_nothing_that_another_is_writing(tmp_path: Path) -> None:
    PackedDescriptors(tmp_path / "s").add([("a", features(3))])
    lines = tmp_path / "s" / "slots.txt"
    whole = lines.read_bytes()
    lines.write_bytes(b"")
    assert PackedDescriptors(tmp_path / "s").slots == {}
    lines.write_bytes(whole)
    assert PackedDescriptors(tmp_path / "s").slots == {"a": 0}


def test_what_is_removed_while_it_is_added_to_is_not_padded_with_zeros(tmp_path: Path) -> None:
    packed = PackedDescriptors(tmp_path / "s")
    packed.add([("a", features(3))])
    shutil.rmtree(tmp_path / "s")
    with pytest.raises(Removed):
        packed.add([("b", features(3))])
    assert not (tmp_path / "s").exists()


def test_a_file_that_another_made_in_place_of_a_removed_one_is_not_cut(tmp_path: Path) -> None:
    packed = PackedDescriptors(tmp_path / "s")
    packed.add([("a", features(3))])
    shutil.rmtree(tmp_path / "s")
    PackedDescriptors(tmp_path / "s").add([("b", features(3)), ("c", features(3))])
    with pytest.raises(Removed):
        packed.add([("d", features(3))])
    again = PackedDescriptors(tmp_path / "s")
    assert again.slots == {"b": 0, "c": 1}
    assert again.damaged() == []


def test_names_may_hold_what_unicode_calls_a_line_break(tmp_path: Path) -> None:
    PackedDescriptors(tmp_path / "s").add([("a\u2028b\rc", features(3)), ("d", features(3))])
    assert PackedDescriptors(tmp_path / "s").slots == {"a\u2028b\rc": 0, "d": 1}


def test_damage_to_descriptors_is_found(tmp_path: Path) -> None:
    PackedDescriptors(tmp_path / "s").add([("a", features(3)), ("b", features(3))])
    with (tmp_path / "s" / "descriptors.f16").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x55")
    assert PackedDescriptors(tmp_path / "s").damaged() == ["b"]


def test_the_others_are_dropped_and_gaps_closed(tmp_path: Path) -> None:
    packed = PackedDescriptors(tmp_path / "s")
    packed.add([(name, features(3, seed=n)) for n, name in enumerate("abcd")])
    packed.keep(iter(["d", "b", "not there"]))
    assert packed.slots == {"b": 0, "d": 1}
    expected = unit_vectors(features(3, seed=3)).astype(np.float16)
    np.testing.assert_array_equal(packed.descriptors[1, :3], expected)
    assert PackedDescriptors(tmp_path / "s").slots == {"b": 0, "d": 1}
    packed.keep([])
    assert packed.slots == {}
    assert packed.bytes_on_disk == 0


def test_those_before_a_failure_are_kept(tmp_path: Path) -> None:
    def failing() -> object:
        for number in range(100):
            yield str(number), features(1)
        raise OSError("the disk")

    packed = PackedDescriptors(tmp_path / "s")
    with pytest.raises(OSError, match="the disk"):
        packed.add(failing())  # type: ignore[arg-type]
    assert list(PackedDescriptors(tmp_path / "s").slots) == [str(n) for n in range(64)]


def test_products_of_bit_strings_count_equal_bits() -> None:
    bits = features(6, metric="hamming", length=32)
    vectors = unit_vectors(bits)
    differing = np.unpackbits(bits.descriptors[:, None] ^ bits.descriptors[None], axis=2).sum(2)
    np.testing.assert_allclose(vectors @ vectors.T, 1 - 2 * differing / 256, atol=1e-6)


def test_what_was_added_is_not_gone_over_again_for_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def line(slot: module._Slot) -> str:
        made.append(slot.annotation)
        return f"{slot.count} {slot.crc32} {slot.annotation}\n"

    monkeypatch.setattr(module._Slot, "line", property(line))
    names = [str(number) for number in range(5 * module._AT_ONCE)]
    PackedDescriptors(tmp_path / "s").add((name, features(1)) for name in names)
    assert made == names


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    PackedDescriptors(tmp_path / "s").add([("a", features(3))])
    assert PackedDescriptors(tmp_path / "s").problem == ""
    (tmp_path / "s" / "slots.txt").write_bytes(b"another.v7 8\n")
    assert "another.v7" in PackedDescriptors(tmp_path / "s").problem
