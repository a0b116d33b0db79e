"""Run lengths of masks, and COCO's compact text of them.

COCO (Lin et al. 2014, https://cocodataset.org; ``maskApi.c`` of its API) goes through a mask
column by column, each from the top, and notes how many places in turn are not, are, are not … on
it, beginning with "not". As text each run from the fourth on is told as its difference from the
one two before, five bits to a character, the lowest first. pycocotools is well kept, but it is a
compiled library for these few lines, and leaves it to its callers to check what strangers send.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

#: More places than any photo has pixels.
_MOST = 2**40


def runs_of(mask: NDArray[np.bool_]) -> list[int]:
    """The runs of a mask (rows, columns).

    >>> runs_of(np.array([[False, True], [True, True]]))
    [1, 3]
    """
    flat = mask.ravel(order="F")
    if not flat.size:
        return []
    turns = [0, *(np.flatnonzero(flat[1:] != flat[:-1]) + 1).tolist(), flat.size]
    lengths = [end - start for start, end in pairwise(turns)]
    return [0, *lengths] if flat[0] else lengths


def cells_of(runs: Sequence[int], rows: int, columns: int) -> NDArray[np.bool_]:
    """The inverse of ``runs_of``.

    Raises ``ValueError`` where the runs are not as long as the mask.
    """
    check(runs, rows, columns)
    on = np.arange(len(runs)) % 2 == 1
    return np.repeat(on, runs).reshape((rows, columns), order="F")


def check(runs: Sequence[int], rows: int, columns: int) -> None:
    """Raise ``ValueError`` unless runs are those of a mask of this size."""
    if rows < 1 or columns < 1 or rows * columns > _MOST:
        raise ValueError(f"a mask cannot have {rows} rows and {columns} columns")
    if any(run < 0 for run in runs) or sum(runs) != rows * columns:
        raise ValueError(f"its runs are not those of {rows} rows and {columns} columns")


def to_text(runs: Sequence[int]) -> str:
    """Runs as COCO's text.

    >>> to_text([1, 3]), to_text([13, 3, 3, 3, 3, 3, 13])
    ('13', '=33000:')
    """
    letters = []
    for index, run in enumerate(runs):
        left = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            bits, left = left & 31, left >> 5
            more = left != (-1 if bits & 16 else 0)  # bit 5 of the last letter is the sign
            letters.append(chr(48 + bits + 32 * more))
    return "".join(letters)


def of_text(text: str) -> list[int]:
    """The inverse of ``to_text``. Raises ``ValueError`` for text that is none of COCO's."""
    runs: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 40:
            raise ValueError("its counts are not COCO's run lengths")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("its counts end in the middle of a number")
    return runs
