"""Chips: the crop lands where it should, and the way back is exact."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from resight.chips import chip_to_photo, make_chip, mirrored, turned
from resight.errors import PhotoError
from resight.types import Box, Chip

WIDTH, HEIGHT = 300, 200


def plain(width: int = WIDTH, height: int = HEIGHT, level: int = 40) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def with_dot(x: float, y: float, radius: float, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A dark photo with one bright round spot whose centre is exactly (x, y)."""
    across, down = np.arange(size[0]), np.arange(size[1])[:, None]
    spot = 200 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * radius**2))
    return np.repeat(np.round(spot)[..., None], 3, axis=2).astype(np.uint8)


def brightest_place(chip: Chip) -> NDArray[np.float64]:
    """Centre of mass of the bright spot, in chip pixels."""
    light = chip.pixels[..., 0].astype(float)
    light[light < 0.3 * light.max()] = 0
    down, across = np.indices(light.shape)
    total = light.sum()
    return np.array([(across * light).sum() / total, (down * light).sum() / total])


boxes = st.builds(
    Box,
    st.floats(-100, WIDTH - 1),
    st.floats(-100, HEIGHT - 1),
    st.floats(0.5, 500),
    st.floats(0.5, 500),
)


class TestWayBack:
    @settings(max_examples=200)
    @given(boxes, st.floats(-720, 720), st.floats(0, 2), st.integers(1, 700), st.data())
    def test_chip_to_photo_to_chip_is_the_identity(
        self, box: Box, rotation: float, margin: float, long_edge: int, data: st.DataObject
    ) -> None:
        try:
            chip = make_chip(plain(), box, rotation=rotation, margin=margin, long_edge=long_edge)
        except PhotoError as error:
            assume("lies off" not in str(error))
            raise
        assert max(chip.size) == long_edge
        assert min(chip.size) >= 1
        inside = st.tuples(st.floats(-0.5, chip.size[0]), st.floats(-0.5, chip.size[1]))
        points = np.array(data.draw(st.lists(inside, min_size=1, max_size=5)))
        back = chip.points_from_photo(chip.points_to_photo(points))
        np.testing.assert_allclose(back, points, atol=1e-6)

    @pytest.mark.parametrize("rotation", [0, 1, 30, 45, 90, 135, 180, 271.5, -60])
    @pytest.mark.parametrize("long_edge", [90, 160, 512])
    def test_a_dot_lands_where_the_transform_says(self, rotation: float, long_edge: int) -> None:
        dot = (130.0, 85.0)
        photo = with_dot(*dot, radius=6, size=(WIDTH, HEIGHT))
        chip = make_chip(photo, Box(70, 40, 110, 90), rotation=rotation, long_edge=long_edge)
        expected = chip.points_from_photo(np.array([dot]))[0]
        np.testing.assert_allclose(brightest_place(chip), expected, atol=0.25)

    @pytest.mark.parametrize("rotation", [0, 25])
    def test_a_dot_in_a_large_photo_much_reduced(self, rotation: float) -> None:
        dot = (1700.3, 900.6)
        photo = with_dot(*dot, radius=30, size=(3000, 2000))
        chip = make_chip(photo, Box(300, 200, 2400, 1500), rotation=rotation, long_edge=256)
        expected = chip.points_from_photo(np.array([dot]))[0]
        np.testing.assert_allclose(brightest_place(chip), expected, atol=0.1)

    def test_whole_photo_halved(self) -> None:
        chip = make_chip(plain(200, 100), long_edge=100)
        # the centre of the first 2 x 2 block of photo pixels is at (0.5, 0.5)
        np.testing.assert_array_equal(chip.to_photo, [[2, 0, 0.5], [0, 2, 0.5]])

    def test_whole_photo_at_its_own_size_is_the_photo(self) -> None:
        photo = with_dot(100, 50, 20, (WIDTH, HEIGHT))
        chip = make_chip(photo, long_edge=WIDTH)
        np.testing.assert_array_equal(chip.pixels, photo)
        np.testing.assert_array_equal(chip.to_photo, [[1, 0, 0], [0, 1, 0]])


class TestRotation:
    def test_an_animal_turned_counter_clockwise_becomes_upright(self) -> None:
        # Upright, its head (bright) is at the top; turned 90 degrees
        # counter-clockwise, the head points left.
        photo = plain(200, 200, level=0)
        photo[80:120, 60:80] = 255
        chip = make_chip(photo, Box(60, 60, 80, 80), rotation=90, long_edge=80)
        bright = chip.pixels[..., 0] > 128
        assert bright[:20, 20:60].mean() > 0.9
        assert bright[24:].mean() == 0

    def test_ninety_degrees_is_the_photo_turned_by_numpy(self) -> None:
        rng = np.random.default_rng(0)
        photo = rng.integers(0, 256, (64, 64, 3), np.uint8)
        chip = make_chip(photo, rotation=90, long_edge=64)
        np.testing.assert_array_equal(chip.pixels, np.rot90(photo, -1))

    def test_a_whole_turn_is_no_turn(self) -> None:
        photo, box = with_dot(100, 50, 20, (WIDTH, HEIGHT)), Box(50, 20, 90, 70)
        chip, turned = make_chip(photo, box), make_chip(photo, box, rotation=-360)
        np.testing.assert_array_equal(turned.pixels, chip.pixels)
        np.testing.assert_array_equal(turned.to_photo, chip.to_photo)

    def test_box_keeps_its_size_and_centre(self) -> None:
        chip = make_chip(plain(), Box(100, 50, 80, 40), rotation=37, long_edge=160)
        assert chip.size == (160, 80)
        middle = chip.points_to_photo(np.array([[79.5, 39.5]]))[0]
        np.testing.assert_allclose(middle, [139.5, 69.5])
        corners = chip.points_to_photo(np.array([[-0.5, -0.5], [159.5, -0.5], [-0.5, 79.5]]))
        assert math.dist(corners[0], corners[1]) == pytest.approx(80)
        assert math.dist(corners[0], corners[2]) == pytest.approx(40)
        # counter-clockwise as seen: the top edge climbs to the right
        assert corners[1][1] < corners[0][1]

    def test_off_the_photo_the_edge_is_repeated(self) -> None:
        chip = make_chip(plain(level=77), Box(-20, -20, 60, 60), rotation=45, long_edge=60)
        assert np.all(chip.pixels == 77)


class TestCrop:
    def test_clipped_to_the_photo_when_not_turned(self) -> None:
        chip = make_chip(plain(), Box(250, 150, 100, 100), long_edge=50)
        assert chip.size == (50, 50)
        np.testing.assert_array_equal(chip.to_photo, [[1, 0, 250], [0, 1, 150]])

    def test_grown_to_whole_pixels(self) -> None:
        chip = make_chip(plain(), Box(10.2, 20.9, 29.1, 9.0), long_edge=30)
        assert chip.size == (30, 10)
        np.testing.assert_array_equal(chip.to_photo, [[1, 0, 10], [0, 1, 20]])

    def test_margin_is_a_fraction_of_the_box_on_each_side(self) -> None:
        chip = make_chip(plain(), Box(100, 80, 40, 20), margin=0.25, long_edge=60)
        assert chip.size == (60, 30)
        np.testing.assert_array_equal(chip.to_photo, [[1, 0, 90], [0, 1, 75]])

    def test_margin_of_a_turned_box_keeps_the_centre(self) -> None:
        chip = make_chip(plain(), Box(100, 80, 40, 20), rotation=90, margin=0.5, long_edge=80)
        assert chip.size == (80, 40)
        middle = chip.points_to_photo(np.array([[39.5, 19.5]]))
        np.testing.assert_allclose(middle, [[119.5, 89.5]])

    @pytest.mark.parametrize("rotation", [30, 45, 80])
    def test_margin_of_a_turned_box_only_adds_around(self, rotation: float) -> None:
        rng = np.random.default_rng(0)
        photo = rng.integers(0, 256, (200, 300, 3), np.uint8)
        box = Box(130, 80, 40, 40)
        narrow = make_chip(photo, box, rotation=rotation, long_edge=40).pixels.astype(int)
        wide = make_chip(photo, box, rotation=rotation, margin=0.5, long_edge=80).pixels
        np.testing.assert_allclose(narrow, wide[20:60, 20:60], atol=1)

    def test_margin_of_a_turned_box_only_adds_around_when_reduced(self) -> None:
        rng = np.random.default_rng(0)
        photo = np.kron(rng.integers(0, 256, (60, 80, 3)), np.ones((12, 12, 1))).astype(np.uint8)
        box = Box(400, 300, 160, 160)
        narrow = make_chip(photo, box, rotation=45, long_edge=20).pixels.astype(int)
        wide = make_chip(photo, box, rotation=45, margin=0.5, long_edge=40).pixels
        np.testing.assert_allclose(narrow, wide[10:30, 10:30], atol=12)

    @pytest.mark.parametrize("rotation", [0, 10])
    @pytest.mark.parametrize(
        ("box", "size"),
        [(Box(20, 20, 1, 150), (3, 512)), (Box(20, 20, 200, 0.1), (512, 1))],
    )
    def test_thin_boxes_give_at_least_one_pixel(
        self, box: Box, size: tuple[int, int], rotation: float
    ) -> None:
        chip = make_chip(plain(), box, rotation=rotation)
        assert max(chip.size) == max(size)
        assert 1 <= min(chip.size) <= min(size) + 2

    @pytest.mark.parametrize("rotation", [0, 45])
    def test_one_pixel_photo(self, rotation: float) -> None:
        chip = make_chip(plain(1, 1, level=9), rotation=rotation, long_edge=8)
        assert chip.size == (8, 8)
        assert np.all(chip.pixels == 9)

    def test_arguments_stay_as_they_are(self) -> None:
        photo = with_dot(100, 50, 20, (WIDTH, HEIGHT))
        before = photo.copy()
        for rotation in (0, 30):
            chip = make_chip(photo, rotation=rotation, long_edge=WIDTH)
            assert not np.shares_memory(chip.pixels, photo)
        np.testing.assert_array_equal(photo, before)
        assert photo.flags.writeable

    def test_a_read_only_photo_is_accepted(self) -> None:
        photo = plain()
        photo.flags.writeable = False
        assert make_chip(photo, rotation=5).size == (512, 341)


class TestAliasing:
    """Stripes finer than a chip pixel must become grey, not coarser stripes."""

    @pytest.mark.parametrize("rotation", [0, 20, 90])
    def test_fine_stripes_average_out(self, rotation: float) -> None:
        photo = plain(2000, 2000, level=0)
        photo[:, ::2] = 200
        chip = make_chip(photo, Box(400, 400, 1200, 1200), rotation=rotation, long_edge=170)
        assert chip.pixels.std() < 12  # the stripes' own is 100
        assert chip.pixels.mean() == pytest.approx(100, abs=2)


class TestErrors:
    @pytest.mark.parametrize(
        ("box", "reason"),
        [
            (Box(math.nan, 0, 10, 10), "not finite"),
            (Box(0, 0, math.inf, 10), "not finite"),
            (Box(0, 0, 0, 10), "no area"),
            (Box(0, 0, 10, -1), "no area"),
            (Box(WIDTH + 5, 0, 10, 10), "lies off"),
            (Box(-15, 0, 10, 10), "lies off"),
            (Box(0, HEIGHT + 5, 10, 10), "lies off"),
            (Box(0, 0, 1e9, 10), "check its units"),
        ],
    )
    def test_impossible_boxes(self, box: Box, reason: str) -> None:
        for rotation in (0, 30):
            with pytest.raises(PhotoError, match=reason) as caught:
                make_chip(plain(), box, rotation=rotation)
            assert f"x={box.x:g} y={box.y:g} w={box.w:g} h={box.h:g}" in str(caught.value)

    def test_a_box_that_only_touches_the_photo_is_off_it(self) -> None:
        with pytest.raises(PhotoError, match="lies off"):
            make_chip(plain(), Box(WIDTH, 0, 10, 10))
        # turned, its corner reaches in
        assert make_chip(plain(), Box(WIDTH, 0, 10, 10), rotation=45).size == (512, 512)

    def test_turning_can_take_a_box_off_the_photo(self) -> None:
        # A tall narrow box whose lower end is in the photo; lying, it is above it.
        box = Box(100, -100, 4, 110)
        assert make_chip(plain(), box).size == (205, 512)
        with pytest.raises(PhotoError, match="lies off"):
            make_chip(plain(), box, rotation=90)

    def test_margin_does_not_rescue_a_box_off_the_photo(self) -> None:
        with pytest.raises(PhotoError, match="lies off"):
            make_chip(plain(), Box(-20, 10, 10, 10), margin=2)

    def test_rotation_must_be_finite(self) -> None:
        with pytest.raises(PhotoError, match="not finite"):
            make_chip(plain(), rotation=math.nan)

    @pytest.mark.parametrize("margin", [-0.1, 11, math.nan])
    def test_margin_out_of_range(self, margin: float) -> None:
        with pytest.raises(ValueError, match="margin"):
            make_chip(plain(), margin=margin)

    @pytest.mark.parametrize("long_edge", [0, -5, 20_000])
    def test_long_edge_out_of_range(self, long_edge: int) -> None:
        with pytest.raises(ValueError, match="long_edge"):
            make_chip(plain(), long_edge=long_edge)

    @pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (0, 10, 3)])
    def test_pixels_of_another_shape(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="pixels"):
            make_chip(np.zeros(shape, np.uint8))

    @settings(max_examples=300)
    @given(
        st.builds(Box, *[st.floats(allow_nan=True, allow_infinity=True)] * 4),
        st.floats(allow_nan=True, allow_infinity=True),
    )
    def test_any_numbers_give_a_chip_or_a_photo_error(self, box: Box, rotation: float) -> None:
        try:
            chip = make_chip(plain(9, 7), box, rotation=rotation, long_edge=16)
        except PhotoError:
            return
        assert max(chip.size) == 16
        assert np.isfinite(chip.to_photo).all()


def test_a_box_so_far_off_that_sums_overflow_lies_off_the_photo() -> None:
    far = Box(1.4021195294855913e308, 1.4027353022369306e308, 1, 1)
    with pytest.raises(PhotoError, match="lies off"):
        make_chip(plain(9, 7), far, rotation=20, long_edge=16)


@pytest.mark.parametrize("rotation", [0.0, 30.0, 90.0, -200.0])
@pytest.mark.parametrize("box", [None, Box(5, 7, 50.5, 33), Box(-20, 10, 60, 90)])
def test_where_a_chip_lies_is_known_without_its_pixels(rotation: float, box: Box | None) -> None:
    pixels = np.zeros((80, 120, 3), np.uint8)
    how = {"rotation": rotation, "margin": 0.1, "long_edge": 64}
    chip = make_chip(pixels, box, **how)  # type: ignore[arg-type]
    assert np.array_equal(chip_to_photo((120, 80), box, **how), chip.to_photo)  # type: ignore[arg-type]


@pytest.mark.parametrize("quarters", range(-1, 6))
def test_a_turned_chip_is_the_chip_turned_by_numpy_and_leads_back(quarters: int) -> None:
    dice = np.random.default_rng(0)
    pixels = dice.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    cut = make_chip(pixels, Box(30, 20, 80, 60), rotation=20, long_edge=100)
    chip = Chip(cut.pixels, cut.to_photo, cut.pixels[..., 0] > 127)
    other, back = turned(chip, 90 * quarters)
    np.testing.assert_array_equal(other.pixels, np.rot90(chip.pixels, quarters))
    assert other.animal is not None
    np.testing.assert_array_equal(other.animal, other.pixels[..., 0] > 127)
    rows, columns = np.indices(other.pixels.shape[:2]).reshape(2, -1)
    before = np.column_stack([columns, rows]) @ back[:, :2].T + back[:, 2]
    x, y = np.rint(before).astype(int).T
    np.testing.assert_array_equal(other.pixels[rows, columns], chip.pixels[y, x])
    np.testing.assert_allclose(
        other.points_to_photo(np.column_stack([columns, rows])), chip.points_to_photo(before)
    )


@pytest.mark.parametrize("degrees", [45, 135, 225, 315, 20, -70])
def test_a_chip_turned_by_any_angle_is_whole_and_leads_back(degrees: float) -> None:
    columns, rows = np.meshgrid(np.arange(100), np.arange(60))
    pixels = np.stack([2 * columns, 4 * rows, 0 * rows], 2).astype(np.uint8)
    chip = Chip(pixels, np.array([[0.5, 0, 7], [0, 0.5, 9]]))
    other, back = turned(chip, degrees)
    assert other.animal is not None
    assert other.animal.sum() == pytest.approx(chip.pixels[..., 0].size, rel=0.01)
    y, x = np.nonzero(other.animal)
    before = np.column_stack([x, y]) @ back[:, :2].T + back[:, 2]
    np.testing.assert_allclose(other.pixels[y, x, 0], 2 * before[:, 0], atol=1.6)
    np.testing.assert_allclose(other.pixels[y, x, 1], 4 * before[:, 1], atol=2.6)
    np.testing.assert_allclose(
        other.points_to_photo(np.column_stack([x, y])), chip.points_to_photo(before)
    )
    # Counter-clockwise, as it is seen: what points right points up at first.
    right = np.linalg.inv(back[:, :2]) @ [1, 0]
    angle = np.degrees(np.arctan2(-right[1], right[0]))
    assert (angle - degrees) % 360 == pytest.approx(0, abs=1e-6) or (angle - degrees) % 360 > 359.9


def test_the_animal_of_a_turned_chip_is_the_chips() -> None:
    chip = Chip(
        np.zeros((60, 100, 3), np.uint8), np.eye(2, 3), np.arange(6000).reshape(60, 100) < 3000
    )
    other, back = turned(chip, 45)
    assert other.animal is not None
    y, x = np.nonzero(other.animal)
    before = np.column_stack([x, y]) @ back[:, :2].T + back[:, 2]
    assert before[:, 1].max() < 30
    assert len(x) == pytest.approx(3000, rel=0.02)
    assert other.size == (x.max() + 17, y.max() + 17)  # the empty corners are cut


def test_a_chip_without_an_animal_is_turned_whole() -> None:
    other, _ = turned(
        Chip(np.zeros((60, 100, 3), np.uint8), np.eye(2, 3), np.zeros((60, 100), bool)), 45
    )
    assert other.size == (114, 114)


@given(st.integers(2, 40), st.integers(2, 40), st.floats(-180, 180), st.integers(0, 2**32 - 1))
def test_a_mirrored_chip_shows_the_same_photo_and_twice_mirrored_is_itself(
    w: int, h: int, rotation: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    chip = make_chip(photo, Box(10, 5, w, h), rotation=rotation, long_edge=32)
    chip = Chip(chip.pixels, chip.to_photo, rng.random(chip.pixels.shape[:2]) > 0.5)
    seen = mirrored(chip)
    np.testing.assert_array_equal(seen.pixels, chip.pixels[:, ::-1])
    assert chip.animal is not None
    np.testing.assert_array_equal(seen.animal, chip.animal[:, ::-1])
    points = rng.random((5, 2)) * chip.size
    flipped = points * [-1, 1] + [chip.size[0] - 1, 0]
    np.testing.assert_allclose(
        seen.points_to_photo(flipped), chip.points_to_photo(points), atol=1e-9
    )
    np.testing.assert_allclose(mirrored(seen).to_photo, chip.to_photo, atol=1e-9)
