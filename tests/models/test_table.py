import string

import pytest

from resight.errors import ModelError
from resight.models import WEIGHTS, weights


def test_a_row_is_found_by_its_name() -> None:
    row = weights("aliked-n16")
    assert (row.file, row.bytes) == ("aliked-n16.pth", 2738091)
    assert row.sha256 == "5be8704840ed662d9d8c561bf7279c222092674e7eb05fd0feab94899e9d82f2"
    assert row.licence == "BSD-3-Clause"


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        ModelError, match="no weights are called 'ALIKED-n61': did you mean"
    ) as info:
        weights("ALIKED-n61")
    assert "aliked-n16" in str(info.value)


def test_a_name_like_no_other_is_answered_with_all() -> None:
    with pytest.raises(ModelError, match=r"there are aliked-n16, .*aliked-lightglue"):
        weights("???")


def test_file_names_are_plain_and_differ_as_all_lie_in_one_folder() -> None:
    files = [row.file for row in WEIGHTS.values()]
    assert len(set(files)) == len(files)
    assert all(set(file) <= set(string.ascii_letters + string.digits + "-_.") for file in files)


def test_a_size_is_exact_unless_only_a_rounded_one_is_known() -> None:
    row = weights("aliked-n16")
    assert row.size_problem(row.bytes) == ""
    assert row.size_problem(row.bytes + 1) == "it has 2738092 bytes instead of 2738091"
    rounded = weights("superpoint-lightglue")
    assert rounded.size_problem(rounded.bytes - rounded.slack) == ""
    assert rounded.size_problem(9) == "it has 9 bytes instead of about 47500000"


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_row_says_everything(name: str) -> None:
    row = WEIGHTS[name]
    assert row.name == name
    assert len(row.sha256) == 64
    assert set(row.sha256) <= set("0123456789abcdef")
    assert row.licence in ("Apache-2.0", "BSD-3-Clause", "MIT") or row.restriction
    assert row.paper.url.startswith("https://arxiv.org/abs/")
    assert row.package is None or row.package.path.endswith("/" + row.file)
    assert row.urls or name == "efficientnet-lite0"  # published as that package only
    for url in row.urls:
        assert url.startswith("https://")
        assert row.file.endswith(url.rpartition("/")[2])  # the authors of DISK do not name it
