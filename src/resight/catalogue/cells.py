"""Text in the cells of tables that people open in a spreadsheet program.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end may be run as a formula
there (OWASP, "CSV Injection"), and names come from whoever sent photos. Such text gets an
apostrophe before it, which spreadsheet programs take for "this is text"; reading takes it off
again, so nothing is lost. Numbers that resight writes itself are written as they are.
"""

from __future__ import annotations

import re

#: The full-width forms are taken for the plain ones by some programs.
_RUN = r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"
_RUNNABLE = re.compile(rf"'*(?:{_RUN})")
_GUARDED = re.compile(rf"'+(?:{_RUN})")


def guarded(text: str) -> str:
    """Text that no spreadsheet program runs.

    >>> guarded("=1+1"), guarded("Crush")
    ("'=1+1", 'Crush')
    """
    return f"'{text}" if _RUNNABLE.match(text) else text


def unguarded(cell: str) -> str:
    """The inverse of ``guarded``.

    >>> unguarded("'=1+1"), unguarded("'Crush")
    ('=1+1', "'Crush")
    """
    return cell[1:] if _GUARDED.match(cell) else cell
