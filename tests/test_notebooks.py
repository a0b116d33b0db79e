"""The notebooks as they are committed; `make notebooks` runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs/notebooks").glob("*.ipynb"))
_MOST_BYTES = 300_000  # of all outputs: each new version stays in the history for ever


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_all_cells_were_run_once_from_top_to_bottom(path: Path) -> None:
    counts = [cell["execution_count"] for cell in code_cells(path)]

    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_an_error_or_a_warning(path: Path) -> None:
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]

    assert {output["output_type"] for output in outputs} <= {"display_data", "execute_result"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_names_a_folder_of_the_machine_that_ran_it(path: Path) -> None:
    said = [
        json.dumps(
            {kind: text for kind, text in output.get("data", {}).items() if "image" not in kind}
        )
        for cell in code_cells(path)
        for output in cell["outputs"]
    ]

    assert not [text for text in said if "/tmp" in text or "/home" in text or "/root" in text]


def test_outputs_of_all_notebooks_are_small() -> None:
    assert len(NOTEBOOKS) == 2

    size = sum(len(json.dumps(cell["outputs"])) for path in NOTEBOOKS for cell in code_cells(path))

    assert size < _MOST_BYTES
