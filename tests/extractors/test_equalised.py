from typing import Any, ClassVar

import numpy as np

from resight.extractors.equalised import Equalised
from resight.extractors.sift import Sift
from resight.testing.conformance import ExtractorCase, chip_of, drawn_chip


class TestEqualised(ExtractorCase):
    variants: ClassVar = {"max_keypoints": 64}

    def make(self, **arguments: Any) -> Equalised:
        return Equalised(Sift(**arguments))


def test_a_pattern_in_haze_is_seen() -> None:
    clear = drawn_chip(1)
    hazy = chip_of((150 + clear.pixels * 0.1).astype(np.uint8))
    (seen,), (equalised,) = Sift().extract([hazy]), Equalised(Sift()).extract([hazy])
    assert len(equalised) > 2 * len(seen)


def test_the_chip_is_not_changed() -> None:
    chip = drawn_chip(1)
    before = chip.pixels.copy()
    Equalised(Sift()).extract([chip])
    np.testing.assert_array_equal(chip.pixels, before)


def test_the_fingerprint_follows_the_extractor() -> None:
    assert len({Equalised(Sift(max_keypoints=n)).fingerprint for n in (5, 6)}) == 2
    assert Equalised(Sift()).fingerprint != Sift().fingerprint
