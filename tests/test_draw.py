import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from resight import draw
from resight.draw import Row, View, draw_boxes, draw_identification, draw_matches, write_png
from resight.errors import ResightError
from resight.matchers import whole_match
from resight.testing.conformance import chip_of, drawn_chip
from resight.types import Box, Evidence, Geometry, Matches

Pixels = NDArray[np.uint8]


def plain(size: tuple[int, int], colour: tuple[int, int, int]) -> Pixels:
    return np.full((size[1], size[0], 3), colour, np.uint8)


def view(pixels: Pixels, *points: tuple[float, float]) -> View:
    return View(chip_of(pixels), np.array(points, np.float32).reshape(-1, 2))


def evidence(scores: list[float], inliers: list[bool]) -> Evidence:
    k = len(scores)
    pairs = np.stack([np.arange(k)] * 2, axis=1).astype(np.int32)
    return Evidence(
        "annotation",
        {},
        Matches(pairs, np.array(scores, np.float32)),
        Geometry(np.array(inliers, bool)),
    )


def count_colour(picture: Pixels, colour: Any, tolerance: int = 0) -> int:
    return int((np.abs(picture.astype(int) - colour) <= tolerance).all(axis=2).sum())


def region(picture: Pixels, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """x, y, w, h of all pixels of one colour."""
    x, y, w, h = cv2.boundingRect((picture == colour).all(axis=2).astype(np.uint8))
    return x, y, w, h


RED, BLUE = (200, 0, 0), (0, 0, 200)
# The ends of viridis, as its authors publish it.
PURPLE, YELLOW = (68, 1, 84), (253, 231, 37)


@pytest.mark.parametrize("width", [200, 640, 1200, 2001])
def test_query_left_and_gallery_right_at_the_width_asked(width: int) -> None:
    picture = draw_matches(
        view(plain((80, 60), RED)), view(plain((80, 60), BLUE)), evidence([], []), width=width
    )
    assert picture.shape[1:] == (width, 3)
    assert picture.dtype == np.uint8
    (rx, ry, rw, rh), (bx, by, bw, bh) = region(picture, RED), region(picture, BLUE)
    assert rx + rw < width / 2 < bx
    assert (ry, rw, rh) == (by, bw, bh)
    assert rw > 0.4 * width
    assert rw / rh == pytest.approx(80 / 60, rel=0.02)


@pytest.mark.parametrize(("score", "expected"), [(0.0, PURPLE), (1.0, YELLOW)])
def test_a_verified_match_marks_its_keypoints_in_the_colour_of_its_score(
    score: float, expected: tuple[int, int, int]
) -> None:
    a, b = view(plain((100, 100), RED), (20, 30)), view(plain((100, 100), BLUE), (70, 80))
    picture = draw_matches(a, b, evidence([score], [True]))
    for keypoint, colour in (((20, 30), RED), ((70, 80), BLUE)):
        x, y, w, _ = region(picture, colour)
        scale = w / 100
        column = round(x + (keypoint[0] + 0.5) * scale - 0.5)
        row = round(y + (keypoint[1] + 0.5) * scale - 0.5)
        assert picture[row, column].tolist() == pytest.approx(expected, abs=3)


def test_the_legend_speaks_of_confidence_where_the_matcher_has_any() -> None:
    chips = view(plain((100, 100), RED), (20, 30)), view(plain((100, 100), BLUE), (70, 80))
    scored = evidence([1.0], [True])
    confident = replace(scored, matches=replace(scored.matches, confidences=np.ones(1, np.float32)))
    pictures = [draw_matches(*chips, each) for each in (scored, confident)]
    legends = [picture[-40:] for picture in pictures]
    assert np.array_equal(pictures[0][:-40], pictures[1][:-40])
    starts = [np.flatnonzero((legend == PURPLE).all(axis=2).any(axis=0))[0] for legend in legends]
    assert starts[1] > starts[0], "the longer word pushes the colour bar to the right"


@pytest.mark.parametrize("scores", [[0.0, 1.0], [1.0, 0.0]])
def test_the_surest_match_is_drawn_on_top(scores: list[float]) -> None:
    chips = view(plain((100, 100), RED), (50, 50), (50, 50))
    picture = draw_matches(chips, chips, evidence(scores, [True, True]))
    dot = count_colour(picture[60:-60], YELLOW, 3)  # below the text, above the legend
    assert dot > 50
    assert count_colour(picture[60:-60], PURPLE, 3) == 0


def test_an_unverified_match_is_fainter_than_a_verified_one() -> None:
    chips = plain((100, 100), (90, 90, 90))
    a, b = view(chips, (50, 50)), view(chips, (50, 50))
    paper = draw_matches(a, b, evidence([], []))
    body = slice(60, -60)  # between the text and the legend

    def ink(verified: bool) -> float:
        picture = draw_matches(a, b, evidence([0.9], [verified]))
        return float(np.abs(picture[body].astype(int) - paper[body]).sum())

    assert 0 < ink(False) < 0.2 * ink(True)


def test_candidates_are_rows_from_best_to_worst() -> None:
    colours = [(0, 90, 90), (90, 0, 90), (90, 90, 0)]
    query = view(plain((90, 60), RED))
    rows = [Row(view(plain((90, 60), c)), evidence([], []), f"{i}") for i, c in enumerate(colours)]
    picture = draw_identification(query, rows, title="who is it?")
    tops = [region(picture, colour)[1] for colour in colours]
    assert tops == sorted(tops)
    assert region(picture, RED)[1] == tops[0]
    assert count_colour(picture, RED) == 3 * count_colour(picture, colours[0])


def test_titles_are_written_and_long_ones_stay_clear_of_the_counts() -> None:
    chips = view(plain((100, 80), (90, 90, 90)))
    empty = evidence([], [])
    none, short, long = (
        draw_matches(chips, chips, empty, title=title) for title in ("", "Ada", "Adelheid " * 40)
    )
    band = slice(0, 36)
    assert (none[band] != short[band]).any()
    counts = slice(-180, None)  # "0 of 0 matches verified"
    assert (none[band, counts] == long[band, counts]).all()


def test_names_are_written_in_their_own_letters() -> None:
    if draw._font(20).getname()[0] == "Aileron":
        pytest.skip("no font of this computer is known, and Pillow's own has ASCII alone")
    unknown = draw._font(20).getmask("\U0010fffd").getbbox()
    shapes = {letter: bytes(draw._font(20).getmask(letter)) for letter in "ñΕŌЯ\U0010fffd"}
    assert unknown
    assert len(set(shapes.values())) == 5, "a letter that is not there is drawn as a box"


def test_no_candidates_show_the_query_alone() -> None:
    picture = draw_identification(view(plain((90, 60), RED)), [], width=600)
    assert picture.shape[1] == 600
    assert count_colour(picture, RED) > 0


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (40, 3000), (4000, 50)])
def test_tiny_and_narrow_chips_can_be_drawn(size: tuple[int, int]) -> None:
    odd = view(plain(size, RED), (0, 0), (size[0] - 1, size[1] - 1))
    usual = view(drawn_chip(1).pixels.copy(), (10, 10), (200, 100))
    both = evidence([0.5, 0.7], [True, False])
    for picture in (draw_matches(odd, usual, both), draw_matches(usual, odd, both)):
        assert picture.shape[1] == 1200
        assert picture.shape[0] < 1200
        assert count_colour(picture, RED, 40) > 0


def test_arguments_are_not_changed() -> None:
    pixels = drawn_chip(1).pixels
    before = pixels.copy()
    a = View(chip_of(pixels), np.array([[5, 5]], np.float32))
    draw_matches(a, a, evidence([0.5], [True]))
    assert (pixels == before).all()


def test_too_narrow_a_picture_is_refused() -> None:
    chips = view(plain((10, 10), RED))
    with pytest.raises(ValueError, match="width of 200 or more, got 50"):
        draw_matches(chips, chips, evidence([], []), width=50)


def test_png_comes_back_as_it_was(tmp_path: Path) -> None:
    pixels = drawn_chip(3).pixels
    write_png(tmp_path / "p.png", pixels)
    back = cv2.cvtColor(cv2.imread(str(tmp_path / "p.png")), cv2.COLOR_BGR2RGB)
    assert (back == pixels).all()
    assert [path.name for path in tmp_path.iterdir()] == ["p.png"]


@pytest.mark.parametrize("folder", ["missing", "a file"])
def test_a_folder_that_is_none_is_said(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a file").write_text("")
    with pytest.raises(ResightError, match=rf"cannot write .*{folder}/p\.png"):
        write_png(tmp_path / folder / "p.png", drawn_chip(3).pixels)


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ResightError, match=r"cannot write .*p\.png: no space left on device"):
        write_png(path, drawn_chip(3).pixels)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_photos_compared_as_wholes_get_no_lines() -> None:
    """The one match is of their centres: a line between them would show what nobody found."""
    left, right = (view(plain((80, 60), colour), (40, 30)) for colour in (RED, BLUE))
    whole = Evidence("a", {}, whole_match(0.5), Geometry(np.zeros(1, bool)))
    picture = draw_matches(left, right, whole, width=640)
    for colour in (RED, BLUE):
        x, y, w, h = region(picture, colour)
        assert np.unique(picture[y : y + h, x : x + w].reshape(-1, 3), axis=0).tolist() == [
            list(colour)
        ]
    with_keypoints = draw_matches(left, right, evidence([0.5], [False]), width=640)
    assert picture.shape[0] < with_keypoints.shape[0], "there is a legend of lines"


def test_boxes_are_drawn_where_they_are_in_the_reduced_photo() -> None:
    picture = draw_boxes(plain((800, 400), RED), [(Box(200, 100, 400, 200), "")], long_edge=400)
    assert picture.shape == (200, 400, 3)
    assert region(picture, (255, 214, 10)) == (100, 50, 201, 101)


def test_a_photo_smaller_than_the_picture_is_not_enlarged() -> None:
    photo = plain((80, 40), BLUE)
    np.testing.assert_array_equal(draw_boxes(photo, [], long_edge=400), photo)


def test_a_subtitle_takes_as_many_lines_as_it_needs_and_loses_no_word() -> None:
    query, font = view(plain((90, 60), RED)), draw._font(20)
    text = "Undecided: nothing reaches the 92 % that is needed. " * 5
    lines = draw._wrapped(text, font, 600)
    assert " ".join(lines) == text.strip()
    assert all(font.getlength(line) <= 600 for line in lines)
    heights = [
        draw_identification(query, [], title="who?", subtitle=each).shape[0]
        for each in ("", "It is Ada.", text)
    ]
    assert heights[0] < heights[1] < heights[2]
