"""Calibration error against an independent reference."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resight.calibration.reliability import calibration_error, reliability

inner = st.floats(0.05, 0.95)


def reference_error(p: np.ndarray, held: np.ndarray, bins: int) -> float:
    """Expected calibration error over equal thirds, tenths, …, of sorted predictions."""
    order = np.argsort(p)
    gaps = [
        len(part) * abs(p[part].mean() - held[part].mean()) for part in np.array_split(order, bins)
    ]
    return float(sum(gaps) / len(p))


@pytest.mark.parametrize("bins", [1, 5, 10])
def test_calibration_error_agrees_with_a_reference(bins: int) -> None:
    rng = np.random.default_rng(1)
    p = rng.random(200)
    held = (rng.random(200) < p**2).astype(float)
    found = calibration_error(reliability(p, held, bins=bins))
    assert found == pytest.approx(reference_error(p, held, bins))


def test_honest_probabilities_have_little_error_and_boasting_has_its_gap() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(20_000)
    held = rng.random(20_000) < p
    honest = calibration_error(reliability(p, held))
    assert honest < 0.01
    sure = calibration_error(reliability(np.ones(20_000), held))
    assert sure == pytest.approx(1 - held.mean())


@given(st.lists(st.tuples(inner, st.booleans(), st.integers(1, 3)), min_size=1, max_size=15))
def test_a_weight_is_as_many_queries(rows: list[tuple[float, bool, int]]) -> None:
    p, held, weights = (list(column) for column in zip(*rows, strict=True))
    weighted = calibration_error(reliability(p, held, weights))
    repeated = calibration_error(reliability(np.repeat(p, weights), np.repeat(held, weights)))
    assert weighted == pytest.approx(repeated)


@given(st.lists(st.tuples(inner, st.booleans()), min_size=1, max_size=15), st.randoms())
def test_the_order_of_queries_makes_no_difference(
    rows: list[tuple[float, bool]], rng: Random
) -> None:
    def error(some: list[tuple[float, bool]]) -> float:
        return calibration_error(reliability([p for p, _ in some], [held for _, held in some]))

    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert error(rows) == pytest.approx(error(shuffled))


def test_no_predictions_have_no_bins() -> None:
    assert reliability([], []) == []
