"""Excel workbooks as tables of text, written and read with openpyxl."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence

from resight.catalogue.cells import guarded

#: What XML, and so a workbook, cannot hold.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def sheet_bytes(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> bytes:
    """A workbook with one sheet. Text is stored as text: no cell is a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("resight")
    sheet.append(list(columns))
    for row in rows:
        cells = []
        for column in columns:
            value = row.get(column)
            cell = WriteOnlyCell(sheet, value if not isinstance(value, str) else "")
            if isinstance(value, str):
                text = _UNWRITABLE.sub("\ufffd", value)
                cell.value = text
                cell.data_type = "s"  # openpyxl takes what begins with = for a formula
                if guarded(text) != text:
                    cell.quotePrefix = True  # stays text when somebody edits the cell
            cells.append(cell)
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
