"""Which of the photos that were sent a table means."""

from __future__ import annotations

import unicodedata

from resight.formats.filenames import FileNames


def test_accents_are_the_same_however_a_computer_writes_them() -> None:
    apart, whole = (unicodedata.normalize(form, "été/Zoé.JPG") for form in ("NFD", "NFC"))
    assert apart != whole
    assert FileNames([apart]).meant_by(whole) == [apart]
    assert FileNames([whole]).meant_by(apart.upper()) == [whole]
