"""An evaluation to be read by people: one HTML page, with charts and the worst failures.

write_report(report, protocol, Path("photos"), methods, Path("out"))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Optional

from resight.errors import ResightError
from resight.evaluate import EvaluationProtocol, Report
from resight.files import write_whole
from resight.method import Method
from resight.report.failures import worst_failures
from resight.report.page import page

__all__ = ["PAGE", "write_report"]

#: The page's name in the folder of a report.
PAGE = "report.html"


def write_report(
    report: Report,
    protocol: EvaluationProtocol,
    photos: Path,
    methods: Sequence[Method],
    folder: Path,
    progress: Optional[Callable[[str, int, int], None]] = None,
) -> Path:
    """Write the page of a report and answer where it is.

    ``protocol``, ``photos`` and ``methods`` are those that were evaluated: photos of
    failures are compared again for their pictures. The page shows those photos.

    Raises ``ResightError`` if it cannot be written.
    """
    failures = {
        figures.name: worst_failures(
            protocol,
            photos,
            method,
            figures,
            _telling(progress, f"{figures.name}: pictures"),
        )
        for method, figures in zip(methods, report.methods, strict=True)
    }
    path = folder / PAGE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, page(report, failures).encode())
    except OSError as error:
        raise ResightError(
            f"cannot write {path}: {error.strerror or error}: check the folder, its permissions "
            "and the free space, or choose another folder"
        ) from error
    return path


def _telling(
    progress: Optional[Callable[[str, int, int], None]], stage: str
) -> Optional[Callable[[int, int], None]]:
    if progress is None:
        return None
    return lambda done, total: progress(stage, done, total)
