"""What the rows of a table that was sent to the desk will do, or have done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from resight.catalogue import (
    AddOutcome,
    BadSource,
    Catalogue,
    ImportPlan,
    PlannedPhoto,
)
from resight.catalogue.csvfile import plan_table
from resight.catalogue.records import AddStatus
from resight.catalogue.tables import Table
from resight.errors import BadFact, ImportFileError
from resight.formats.filenames import FileNames
from resight.formats.wildbook_reading import is_sheet, plan_sheet
from resight.service.imports import Import
from resight.service.models import Likeness
from resight.service.tables import DateChoice, Report, Row

#: In the order in which they are shown: what needs somebody comes first.
STATUSES: tuple[AddStatus, ...] = ("bad", "conflict", "updated", "added", "already")
#: Paths of tables are names here, by which the files are found that were sent.
_NO_FOLDER = Path()


def planned(of: Import, catalogue: Catalogue) -> tuple[ImportPlan, list[str]]:
    """What is to be added, and the photos that were sent and that no row names.

    A row means a photo that was sent, or else one of the catalogue that has its name. Raises
    ``ImportFileError`` and ``BadFact`` where the columns that were chosen cannot be.
    """
    table = of.read()
    read = _read(of, table)
    files = _Files(of, catalogue)
    photos, bad = [], []
    written = _photo_by_line(table, of.columns.get("path", ""))
    for each in read.bad:
        line = _line(of, each.source)
        path = written.get(line, "")
        files.name(path)
        bad.append(replace(each, source=f"{line} ({path})" if path else line))
    for row in read.photos:
        source = _line(of, row.source)
        try:
            photos.append(replace(row, path=files.meant(row), source=source))
        except ValueError as error:
            bad.append(BadSource(source, str(error)))
    unnamed = sorted(set(files.sent) - files.named)
    if of.choice.others:
        photos += [PlannedPhoto(files.sent[path], path, path) for path in unnamed]
    warnings = tuple(each.removeprefix(f"{of.table.name}: ") for each in read.warnings)
    plan = replace(read, origin=of.name, photos=tuple(photos), bad=tuple(bad), warnings=warnings)
    return plan, unnamed


def report_of(
    plan: ImportPlan, outcomes: Iterable[AddOutcome], unnamed: list[str], *, dry_run: bool = False
) -> Report:
    """What became of each row of a plan; of a ``dry_run``, what would."""
    rows = []
    for outcome, photo in zip(outcomes, [*[None] * len(plan.bad), *plan.photos], strict=False):
        reason = outcome.reason
        made = outcome.annotation and not (dry_run and outcome.status == "added")
        if photo is not None:
            reason = reason.replace(str(photo.path), photo.name)
        rows.append(
            Row(
                source=outcome.source,
                status=outcome.status,
                reason=reason,
                annotation=outcome.annotation if made else None,
                like=Likeness(**asdict(outcome.like)) if outcome.like else None,
                damaged=outcome.damaged,
                said=_said(photo) if photo else {},
            )
        )
    counts = Counter(row.status for row in rows)
    rows.sort(key=lambda row: STATUSES.index(row.status))
    return Report(
        counts={status: counts[status] for status in STATUSES},
        rows=rows,
        warnings=[*plan.warnings, *plan.notes],
        unnamed=unnamed,
        dates=_dates(plan),
    )


def _dates(plan: ImportPlan) -> DateChoice | None:
    """The choice that the dates of its table leave."""
    found = next((each for each in plan.dates if each.choices), None)
    if found is None:
        return None
    return DateChoice(order=found.order or None, example=found.example, choices=dict(found.choices))


def _read(of: Import, table: Table) -> ImportPlan:
    try:
        if is_sheet(table.header):
            return plan_sheet(of.table, table, _NO_FOLDER)
        if "path" not in of.columns:
            raise BadFact("say which column has the names of the photos")
        twice = [column for column, number in Counter(of.columns.values()).items() if number > 1]
        if twice:
            raise BadFact(f"the column {twice[0]!r} is chosen twice")
        return plan_table(
            of.table, table, _NO_FOLDER, columns=of.columns, dates=of.choice.dates, only=True
        )
    except ImportFileError as error:
        raise ImportFileError(str(error).replace(str(of.table), of.name)) from error


class _Files:
    """The photos that rows may mean."""

    def __init__(self, of: Import, catalogue: Catalogue) -> None:
        self.sent = of.photos()
        self.named: set[str] = set()
        self._sent = FileNames(self.sent)
        self._catalogue = catalogue
        self._known = {
            f"{record.photo.sha256}/{record.name}": record
            for record in catalogue.now().annotations.values()
        }
        self._in_catalogue = FileNames(self._known)

    def name(self, written: str) -> list[str]:
        """Note that a row names this photo, whatever else is wrong with it."""
        found = self._sent.meant_by(written) if written else []
        self.named.update(found)
        return found

    def meant(self, row: PlannedPhoto) -> Path:
        """The file that a row of a table means. Raises ``ValueError`` where that is none, or
        several may be."""
        written = str(row.path)
        found = self.name(written)
        if len(found) > 1:
            raise ValueError(f"several photos that were sent may be meant: {', '.join(found[:3])}")
        if found:
            return self.sent[found[0]]
        known = [self._known[each] for each in self._in_catalogue.meant_by(written)]
        if not known:
            raise ValueError("its photo is not there: send it too")
        if len({record.photo.sha256 for record in known}) > 1:
            raise ValueError("several photos of the catalogue have this name: send the one meant")
        # Cameras begin their numbers anew, so a name alone can be another photo's.
        seen = known[0].seen_on
        if "/" in written or "\\" in written:
            raise ValueError(
                "its photo was not sent; the catalogue has one of this name, but from which folder "
                "is not known: send the one meant too"
            )
        if row.date and seen and not _agree(row.date[:10], seen):
            raise ValueError(
                f"its photo was not sent, and the catalogue's of this name is of {seen}: send the "
                "one meant too"
            )
        return self._catalogue.original(known[0].photo.sha256)


def _agree(one: str, other: str) -> bool:
    """Whether two days, months or years may be the same time."""
    return one.startswith(other) or other.startswith(one)


def _line(of: Import, source: str) -> str:
    """Where a row stands, without the name that its table has here."""
    return source.removeprefix(of.table.name).strip()


def _photo_by_line(table: Table, column: str) -> dict[str, str]:
    """What stands for the photo in each line, whatever else is wrong with it."""
    if column not in table.header:
        return {}
    at = table.header.index(column)
    return {f"line {line}": cells[at].strip() for line, cells in table.rows if len(cells) > at}


def _said(photo: PlannedPhoto) -> dict[str, str]:
    said = {
        "identity": photo.identity,
        "side": "" if photo.side == "unknown" else photo.side,
        "date": photo.date,
        "encounter": photo.encounter,
        "place": photo.place,
        "species": photo.species,
        "position": f"{photo.position.latitude:g}, {photo.position.longitude:g}"
        if photo.position
        else "",
    }
    return {field: text for field, text in said.items() if text}
