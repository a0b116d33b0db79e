"""What the benchmark of growing galleries makes of its measurements."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.growth_index import Measured, Stages
from benchmarks.growth_measure import Asked, chosen_queries, figures_of, reference_ranks
from tests.test_identify import METHOD, Photos, entry

from resight.evaluate.protocol import EvaluationProtocol, read_protocol
from resight.identify import Identifier

_EMPTY = ("",) * 5  # date, box


@pytest.fixture
def protocol(tmp_path: Path) -> EvaluationProtocol:
    rows: list[tuple[object, ...]] = [
        ("path", "role", "identity", "side", "encounter", "date", "x", "y", "w", "h")
    ]
    for animal in range(20):
        rows.append((f"g{animal}.jpg", "gallery", f"a{animal}", "left", f"first {animal}", *_EMPTY))
        rows.append((f"q{animal}.jpg", "query", f"a{animal}", "left", f"second {animal}", *_EMPTY))
    rows.append(("new.jpg", "query", "never seen", "left", "third", *_EMPTY))
    with (tmp_path / "p.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return read_protocol(tmp_path / "p.csv")


def test_the_same_known_queries_are_chosen_again(protocol: EvaluationProtocol) -> None:
    chosen = chosen_queries(protocol, 8)
    assert chosen == chosen_queries(protocol, 8)
    assert len(set(chosen)) == 8
    assert sorted(chosen_queries(protocol, 99)) == list(range(20))  # not the unknown animal


def asked(seconds: Sequence[float], ranks: list[int | None]) -> Asked:
    identifier = Identifier(gallery=Photos([]), method=METHOD)
    return Asked(identifier, ranks, list(seconds), [24] * len(ranks), [3] * len(ranks))


def test_growth_is_told_for_ten_times_the_photos() -> None:
    answers = {
        (1_000, "normal"): asked([1, 2, 3], [1, 1, 2]),
        (100_000, "normal"): asked([7, 8, 9], [1, 4, None]),
        (1_000, "quick"): asked([1, 1, 1], [None, None, None]),
    }
    rows = list(figures_of("drawn", answers, ["Ada", "Bo", "Cy"], [1, 1, None]))
    assert [(row.effort, row.size) for row in rows] == [
        ("quick", 1_000),
        ("normal", 1_000),
        ("normal", 100_000),
    ]
    assert [row.per_10x for row in rows] == [None, None, pytest.approx(2.0)]  # 4 times in 100
    assert [row.kept and row.kept[0] for row in rows] == [0, 1, 0.5]
    assert [row.top1 for row in rows] == pytest.approx([0, 2 / 3, 1 / 3])


def test_without_right_answers_to_keep_none_are_kept() -> None:
    answers = {(1_000, "normal"): asked([1], [1])}
    (row,) = figures_of("drawn", answers, ["Ada"], [2])
    assert row.kept is None


def test_describing_is_no_part_of_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("benchmarks.growth_index.time.perf_counter", lambda: next(clock))
    stages = Stages(lambda names: iter([None] * len(names)))
    assert list(stages.describe(["a", "b"])) == [None, None]
    assert stages.describing == 3  # each photo, and that there are no more


def test_an_index_is_made_and_updated(tmp_path: Path) -> None:
    gallery: Any = Photos([(entry(f"p{n}", f"animal {n}"), range(n, n + 9)) for n in range(70)])
    made = Measured(gallery, METHOD, tmp_path / "index")
    assert made.pack_per_second > 0
    assert made.votes_per_second is None  # of so few photos there is no index
    (photo,) = made.describe(["p0"])
    assert photo is not None
    length = photo.descriptors.shape[1]
    assert made.packed_bytes == pytest.approx(512 * length * 2, rel=0.01)
    assert made.votes_bytes == 0
    add, remove = made.updated()
    assert min(add, remove) > 0
    assert np.isfinite([add, remove]).all()


def test_a_reference_is_exhaustive_and_of_the_same_sides(
    tmp_path: Path, protocol: EvaluationProtocol
) -> None:
    path, said = tmp_path / "all.json", {"effort": "exhaustive", "side_policy": "same"}
    ranks = list(range(1, len(protocol.queries) + 1))

    def written(sha256: str = protocol.sha256, **other: str) -> Path:
        method = {**said, **other, "ranks": ranks}
        path.write_text(json.dumps({"protocol_sha256": sha256, "methods": [method]}))
        return path

    assert reference_ranks(written(), tmp_path / "p.csv", [4, 0]) == [5, 1]
    for other in ({"effort": "normal"}, {"side_policy": "compatible"}):
        with pytest.raises(SystemExit, match="a reference is of effort exhaustive"):
            reference_ranks(written(**other), tmp_path / "p.csv", [0])
    with pytest.raises(SystemExit, match="is not an evaluation of"):
        reference_ranks(written(sha256="another"), tmp_path / "p.csv", [0])
