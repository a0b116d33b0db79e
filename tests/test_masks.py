"""Masks: COCO's text of run lengths, and what people and programs give as one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from resight import rle
from resight.chips import make_chip
from resight.errors import PhotoError
from resight.masks import (
    MOST_CELLS,
    MOST_LETTERS,
    Mask,
    check_mask,
    mask_named,
    mask_of,
    mask_said,
    mask_text,
    mask_told,
    masked,
)
from resight.types import Box, Chip

SQUARE = np.zeros((6, 7), bool)
SQUARE[1:4, 2:5] = SQUARE[5, 6] = True
y, x = np.mgrid[:40, :50]
DISC = (y - 18) ** 2 + (x - 20) ** 2 < 150
grids = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))


@pytest.mark.parametrize(
    ("mask", "counts"),
    [
        (np.array([[False, True], [True, True]]), "13"),
        (np.ones((2, 2), bool), "04"),
        (np.zeros((3, 4), bool), "<"),
        (SQUARE, "=33000:N"),
        # Runs over 15 take two letters, and differences below 0 occur.
        (DISC, "`:5P16K4M2N2N2O0O2O000O2O00000001N10001N101N2N2N3L5Jkd0"),
    ],
)
def test_counts_are_those_that_pycocotools_writes(mask: Any, counts: str) -> None:
    """The texts are what pycocotools 2.0.11 made of these masks."""
    assert rle.to_text(rle.runs_of(mask)) == counts
    np.testing.assert_array_equal(rle.cells_of(rle.of_text(counts), *mask.shape), mask)


@given(grids)
def test_a_mask_comes_back_from_its_runs(mask: Any) -> None:
    np.testing.assert_array_equal(rle.cells_of(rle.runs_of(mask), *mask.shape), mask)


@given(st.lists(st.integers(0, 2**40)))
def test_runs_come_back_from_their_text(runs: list[int]) -> None:
    text = rle.to_text(runs)
    assert rle.of_text(text) == runs
    assert not text.strip("".join(map(chr, range(48, 112))))


@given(st.text(max_size=40))
def test_text_that_is_no_run_lengths_is_refused_or_read(text: str) -> None:
    try:
        runs = rle.of_text(text)
    except ValueError:
        return
    assert all(isinstance(run, int) for run in runs)


@given(
    grids.filter(np.any),
    st.tuples(*[st.floats(-1e4, 1e4)] * 2),
    st.tuples(*[st.floats(0.1, 1e4)] * 2),
)
def test_what_fits_is_kept_exactly_in_any_writing(
    cells: Any, corner: tuple[float, float], size: tuple[float, float]
) -> None:
    mask = Mask.of(cells, Box(*corner, *size))
    np.testing.assert_array_equal(mask.cells(), cells)
    assert mask_of(mask_text(mask)) == mask
    assert mask_named(mask_text(mask)) == mask
    assert mask_said(json.loads(json.dumps(mask.as_json()))) == mask


def test_a_chip_shows_the_animal_where_the_mask_lies() -> None:
    """Every cell is a pixel of the photo, and the chip a part of it."""
    mask = Mask.of(SQUARE, Box(10, 20, 7, 6))
    chip = make_chip(np.zeros((60, 40, 3), np.uint8), Box(11, 20, 10, 10), long_edge=10)
    shown = masked(chip, mask).animal
    assert shown is not None
    expected = np.zeros((10, 10), bool)
    expected[:6, :6] = SQUARE[:, 1:]
    np.testing.assert_array_equal(shown, expected)


def test_a_chip_that_is_turned_shows_it_turned() -> None:
    left_half = Mask.of(np.array([[True, False]]), Box(0, 0, 40, 40))
    chip = make_chip(np.zeros((40, 40, 3), np.uint8), Box(0, 0, 40, 40), rotation=90, long_edge=40)
    shown = masked(chip, left_half).animal
    assert shown is not None
    # Of an animal that is turned a quarter counter-clockwise the top is at the photo's left.
    assert shown[:20].all()
    assert not shown[20:].any()


def test_a_mask_beside_the_chip_says_nothing_of_it() -> None:
    chip = make_chip(np.zeros((60, 40, 3), np.uint8), Box(0, 0, 10, 10), long_edge=10)
    assert masked(chip, Mask.of(SQUARE, Box(20, 20, 7, 6))) is chip
    assert masked(chip, None) is chip


@pytest.mark.parametrize("rotation", [0, 90, 30])
def test_what_a_chip_shows_lies_in_the_photo_and_comes_back(rotation: float) -> None:
    photo = np.zeros((300, 400, 3), np.uint8)
    chip = make_chip(photo, Box(100, 80, 160, 120), rotation=rotation, long_edge=160)
    animal = np.zeros(chip.pixels.shape[:2], bool)
    animal[20:60, 30:140] = True
    shown = masked(chip, Mask.of_chip(chip, animal)).animal
    assert shown is not None
    assert (shown == animal).mean() > 0.985


def on_photo(mask: Mask, width: int, height: int) -> Any:
    chip = Chip(np.zeros((height, width, 3), np.uint8), np.eye(2, 3))
    return masked(chip, mask).animal


@given(grids.filter(np.any))
def test_runs_over_a_whole_photo_mean_its_pixels(cells: Any) -> None:
    rows, columns = cells.shape
    runs = rle.runs_of(cells)
    for counts in (runs, rle.to_text(runs)):
        mask = mask_said({"size": [rows, columns], "counts": counts})
        np.testing.assert_array_equal(on_photo(mask, columns, rows), cells)
        assert (mask.rows, mask.columns) == (mask.box.h, mask.box.w)


def test_polygons_mean_the_pixels_whose_centre_is_in_one_of_them() -> None:
    mask = mask_said([[2, 1, 5, 1, 5, 4, 2, 4], [6, 5, 7, 5, 7, 6, 6, 6]])
    np.testing.assert_array_equal(on_photo(mask, 7, 6), SQUARE)
    triangle = on_photo(mask_said([[0, 0, 4, 0, 0, 4]]), 4, 4)
    np.testing.assert_array_equal(triangle, [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0] * 4])


def test_a_large_mask_keeps_its_shape_in_a_few_hundred_letters() -> None:
    y, x = np.mgrid[:1500, :2000]
    oval = ((y - 700) / 500) ** 2 + ((x - 900) / 750) ** 2 < 1
    mask = Mask.of(oval, Box(0, 0, 2000, 1500))
    assert max(mask.rows, mask.columns) == MOST_CELLS
    assert len(mask_text(mask)) < 1000
    assert (on_photo(mask, 2000, 1500) == oval).mean() > 0.995
    # The grid lies over the animal only, so it is as fine as it can be.
    assert mask.box == (151, 201, 1499, 999)


def test_noise_is_kept_coarser_rather_than_long() -> None:
    noise = np.random.default_rng(1).random((256, 256)) < 0.5
    mask = Mask.of(noise, Box(0, 0, 256, 256))
    assert len(mask.counts) <= MOST_LETTERS
    assert mask.box == (0, 0, 256, 256)


@pytest.mark.parametrize(
    "said",
    [
        None, 1, "13", [], [[]], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5, 6, 7]], [["a"] * 6], [1, 2, 3],
        [[float("nan")] * 6], [[1e9] * 6], {}, {"size": [2, 2]}, {"size": [2], "counts": "13"},
        {"size": [2, 2], "counts": "14"}, {"size": [2, 2], "counts": [1, 4, -1]},
        {"size": [2, 2], "counts": "1é"}, {"size": [2, 2], "counts": "1P"},
        {"size": [0, 2], "counts": ""}, {"size": [2**30, 2**30], "counts": [2**60]},
        {"size": [True, 1], "counts": [0, 1]}, {"size": [2, 2], "counts": "4"},
        {"size": [400, 400], "counts": [160000]}, {"size": [2, 2], "counts": "13", "box": [0, 0]},
        {"size": [2, 2], "counts": "13", "box": [0, 0, 0, 5]}, [[3, 3, 3, 3, 3, 3]],
    ],
)  # fmt: skip
def test_what_is_no_mask_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match=r"mask|runs|counts"):
        mask_said(said)


_numbers = st.integers(-3, 400) | st.floats() | st.just(2**39)


@given(
    st.lists(st.lists(_numbers, max_size=9) | _numbers, max_size=3)
    | st.fixed_dictionaries(
        {
            "size": st.lists(_numbers, min_size=2, max_size=2),
            "counts": st.text("0123=NPo\\", max_size=6) | st.lists(_numbers, max_size=4),
        },
        optional={"box": st.lists(_numbers, min_size=4, max_size=4)},
    )
)
def test_whatever_is_sent_is_a_mask_or_refused(said: object) -> None:
    try:
        mask = mask_said(said)
    except ValueError:
        return
    assert mask.cells().any()
    assert max(mask.rows, mask.columns) <= MOST_CELLS
    assert mask_of(mask_text(mask)) == mask


@given(
    st.integers(1, 700),
    st.integers(1, 700),
    st.lists(st.integers(1, 90_000), max_size=5),
    st.none() | st.lists(st.floats(0.01, 1e6), min_size=4, max_size=4),
)
def test_any_runs_of_the_right_length_are_kept_small(
    rows: int, columns: int, runs: list[int], box: list[float] | None
) -> None:
    left = rows * columns - sum(runs)
    said = {"size": [rows, columns], "counts": [*runs, max(0, left)]}
    try:
        mask = mask_said(said if box is None else {**said, "box": box})
    except ValueError:
        assert left < 0 or not sum([*runs, left][1::2]) or max(rows, columns) > MOST_CELLS
        return
    assert mask.cells().any()
    assert len(mask.counts) <= MOST_LETTERS


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"size": [2, 2]}', "turtle.png"])
def test_text_that_is_no_mask_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no COCO segmentation"):
        mask_named(text)


def test_a_size_that_nobody_could_hold_takes_no_memory() -> None:
    mask = mask_said({"size": [2**19, 2**19], "counts": [2**38 - 10, 5, 5]})
    assert mask.box == (2**19 - 1, 2**19 - 10, 1, 5)


def test_a_mask_off_the_photo_is_refused() -> None:
    mask = Mask.of(SQUARE, Box(10, 20, 7, 6))
    check_mask(mask, (11, 21))
    for size in ((10, 60), (60, 20)):
        with pytest.raises(PhotoError, match="lies off"):
            check_mask(mask, size)


def test_people_tell_masks_apart() -> None:
    one, two = (mask_text(Mask.of(SQUARE, Box(at, 0, 7, 6))) for at in (0, 1))
    assert mask_told("") == "no mask"
    assert mask_told(one) != mask_told(two)
    assert len(mask_told(one)) < 20
