"""Tables that are larger than they look, or than Python reads."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook

from resight.catalogue.tables import read_table
from resight.errors import ImportFileError


def workbook(path: Path, rows: str) -> Path:
    """A workbook whose first sheet holds these rows of XML."""
    whole = BytesIO()
    Workbook().save(whole)
    with zipfile.ZipFile(whole) as made, zipfile.ZipFile(path, "w") as file:
        for part in made.namelist():
            content = made.read(part)
            if part == "xl/worksheets/sheet1.xml":
                content = content.replace(
                    b"<sheetData></sheetData>", f"<sheetData>{rows}</sheetData>".encode()
                )
                assert rows.encode() in content
            file.writestr(part, content)
    return path


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="100000000"><c><v>1</v></c></row>',
        "".join(f'<row r="{r}"><c r="XFD{r}"><v>1</v></c></row>' for r in range(1, 1400)),
    ],
    ids=["a row far below", "a column far out"],
)
def test_a_small_file_cannot_stand_for_endless_empty_cells(tmp_path: Path, rows: str) -> None:
    with pytest.raises(ImportFileError, match="too far out"):
        read_table(workbook(tmp_path / "table.xlsx", rows), lambda _: False)


def test_empty_rows_between_others_are_left_out(tmp_path: Path) -> None:
    rows = '<row r="2"><c><v>1</v></c></row><row r="1000"><c><v>2</v></c></row>'
    table = read_table(workbook(tmp_path / "table.xlsx", rows), lambda _: False)
    assert (table.header, table.rows) == (("1",), ((1000, ("2",)),))


def test_a_mask_of_very_many_points_fits_into_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "masks.csv"
    polygon = "0, 1, " * 30_000
    path.write_text(f'path,mask\n1.jpg,"[[{polygon}2, 3]]"\n')
    ((_, cells),) = read_table(path, lambda column: column == "mask").rows
    assert len(cells[1]) > 150_000
