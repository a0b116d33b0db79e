"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import resight

SOURCES = Path(resight.__file__).parent
MODULES = [
    ".".join(("resight", *path.relative_to(SOURCES).with_suffix("").parts)).removesuffix(
        ".__init__"
    )
    for path in sorted(SOURCES.rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
