"""Whatever somebody has, told apart by its content and made into one plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from resight.catalogue import (
    BadSource,
    ImportPlan,
    PlannedPhoto,
    plan_csv,
    plan_folders,
    plan_pattern,
)
from resight.catalogue.csvfile import COLUMNS, plan_table
from resight.catalogue.folders import DATABASE
from resight.catalogue.importing import is_day
from resight.catalogue.tables import read_table
from resight.errors import ImportFileError, NoPhotos
from resight.formats import camtrap_reading, documents, videos, wildbook_reading
from resight.formats.filenames import find_photos, may_be_there
from resight.formats.remarks import of_nobody, unlikely
from resight.formats.table import EXPORTED
from resight.photos import is_photo_name, visible_files
from resight.types import Box

_TABLES = frozenset({".csv", ".tsv", ".xlsx", ".xlsm", ".xls"})
_PACKAGE = "datapackage.json"


@dataclass(frozen=True)
class Reading:
    """How to read what is given, where its content does not tell.

    ``patterns`` are of names in folders (``plan_pattern``), ``photos`` is where the paths of
    tables and documents start, ``columns`` says by field which column of a table has it, and
    ``dates`` is the order of day, month and year in tables that do not show it
    (``resight.catalogue.dates.ORDERS``).
    ``frames`` is a folder for frames of videos, which must last until they are added; without
    one, videos are left out. ``box`` is that of photo files named one by one.
    """

    patterns: Sequence[str] = ()
    photos: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    dates: str = ""
    frames: Path | None = None
    box: Box | None = None


def plan_sources(sources: Sequence[Path], reading: Reading) -> ImportPlan:
    """One plan of folders, photos, tables, documents, packages and videos.

    Raises ``ImportFileError`` for one that is not there or cannot be understood, and where
    ``reading`` says something that none of them can use.
    """
    for source in sources:
        if not source.exists():
            raise ImportFileError(f"there is no file or folder {source}")
    lists = [_listed(source, reading) for source in sources]
    plans = [plan_source(source, reading) for source in sources]
    _check_used(lists, plans, reading)
    if len(plans) == 1:
        return plans[0]
    origins = [each.origin for each in plans]
    return ImportPlan(
        origin=", ".join(origins[:3]) + ("…" if len(origins) > 3 else ""),
        photos=tuple(photo for each in plans for photo in each.photos),
        bad=tuple(bad for each in plans for bad in each.bad),
        warnings=tuple(warning for each in plans for warning in each.warnings),
        ignored=sum((Counter(each.ignored) for each in plans), Counter[str]()),
        notes=tuple(note for each in plans for note in each.notes),
        columns={key: value for each in plans for key, value in each.columns.items()},
        dates=tuple(dated for each in plans for dated in each.dates),
    )


def _check_used(sources: Sequence[Path], plans: Sequence[ImportPlan], reading: Reading) -> None:
    """Refuse what was said to no avail."""
    if reading.patterns and not any(source.is_dir() for source in sources):
        raise ImportFileError(f"{sources[0]} is no folder, and a pattern is for those in a folder")
    if reading.columns and not any(plan.columns for plan in plans):
        raise ImportFileError("columns are of a table, and none was given that has them to choose")
    if reading.dates and not any("date" in plan.columns for plan in plans):
        raise ImportFileError("an order of dates is for a table with a column of dates")
    if reading.photos and not any(_is_list(source) for source in sources):
        raise ImportFileError(
            f"a folder of photos is for a table or document that lists them: {sources[0]} is none"
        )


def plan_source(source: Path, reading: Reading) -> ImportPlan:
    """The plan of one file or folder, by what it is."""
    file = _listed(source, reading)
    plan = _plan(file, reading)
    plan = replace(
        plan,
        notes=(*plan.notes, *of_nobody(plan.photos)),
        warnings=(*plan.warnings, *unlikely(plan.photos)),
    )
    if file == source or file.name == _PACKAGE:
        return plan
    return replace(
        plan,
        notes=(*plan.notes, f"what the photos of {source} show is read from {file.name}"),
        warnings=(*plan.warnings, *_not_listed(source, file, plan)),
    )


def _not_listed(folder: Path, file: Path, plan: ImportPlan) -> list[str]:
    """A warning of photos in a folder that its list does not name, if there are any."""
    named = {photo.path for photo in plan.photos}
    others = [path for path in visible_files(folder) if is_photo_name(path) and path not in named]
    if not others:
        return []
    many = "photos are" if len(others) > 1 else "photo is"
    return [
        f"{len(others)} {many} not in {file.name} and left out, such as "
        f"{others[0].relative_to(folder)}: add them by themselves"
    ]


def _plan(source: Path, reading: Reading) -> ImportPlan:
    if source.is_dir():
        return _folder(source, reading)
    if source.suffix.lower() == ".json":
        return _document(source, reading)
    if source.suffix.lower() in _TABLES:
        return _table(source, reading)
    if videos.is_video_name(source):
        return _video(source, source.name, "", reading)
    photo = PlannedPhoto(path=source, source=str(source), name=source.name, box=reading.box)
    return ImportPlan(str(source), (photo,))


def _listed(source: Path, reading: Reading) -> Path:
    """Instead of a folder the file that says what its photos show, else their names are lost.

    A pattern says that too, so then the folder of an export is as any other.
    """
    if not source.is_dir():
        return source
    described = source / _PACKAGE
    if described.is_file():
        return described
    files = [] if reading.patterns else [path for path in source.glob("*") if _is_list(path)]
    lists = [path for path in files if path.is_file() and _describes(path, reading)]
    if len(lists) > 1:
        names = ", ".join(sorted(path.name for path in lists))
        raise ImportFileError(f"{source} has several lists of its photos ({names}): name one")
    return lists[0] if lists else source


def _describes(file: Path, reading: Reading) -> bool:
    """Whether an export says what the photos that are there show: one that lies beside others,
    without its photos, does not."""
    if not _is_export(file):
        return False
    photos = _plan(file, reading).photos
    there = sum(may_be_there(photo.path) for photo in photos)
    return bool(photos) and 2 * there >= len(photos)


def _is_export(file: Path) -> bool:
    """Whether ``resight export`` wrote it, or another program for Wildbook."""
    try:
        if file.suffix.lower() == ".json":
            return documents.is_export(documents.read_json(file))
        header = read_table(file, COLUMNS.__contains__).header
    except ImportFileError:  # some other file that lies there
        return False
    return {*header} >= EXPORTED or wildbook_reading.is_sheet(header)


def _is_list(source: Path) -> bool:
    """By its name alone."""
    return source.suffix.lower() in (*_TABLES, ".json")


def _document(file: Path, reading: Reading) -> ImportPlan:
    document = documents.read_json(file)
    if camtrap_reading.is_package(document):
        return camtrap_reading.plan_package(file, document, reading.photos)
    if documents.is_export(document):
        return documents.plan_export(file, document, reading.photos)
    if documents.is_coco(document):
        return documents.plan_coco(file, document, reading.photos)
    raise ImportFileError(
        f"{file} is no list of photos that is known: there are Camtrap DP (datapackage.json), COCO "
        "(images and annotations) and what `resight export` writes"
    )


def _table(file: Path, reading: Reading) -> ImportPlan:
    return find_photos(_rows(file, reading), reading.photos or file.parent)


def _rows(file: Path, reading: Reading) -> ImportPlan:
    if reading.columns:
        return plan_csv(file, reading.photos, columns=reading.columns, dates=reading.dates)
    table = read_table(
        file, lambda column: column.lower() in COLUMNS or column.lower().startswith("encounter.")
    )
    if wildbook_reading.is_sheet(table.header):
        return wildbook_reading.plan_sheet(file, table, reading.photos)
    return plan_table(file, table, reading.photos, dates=reading.dates)


def _folder(folder: Path, reading: Reading) -> ImportPlan:
    """Photos of a folder, and frames of its videos, whose first folder is the animal too."""
    found = _videos(folder) if reading.frames is not None else []
    try:
        plan = plan_pattern(folder, *reading.patterns) if reading.patterns else plan_folders(folder)
    except NoPhotos:
        if not found:
            raise
        plan = ImportPlan(str(folder), ())
    for video in found:
        relative = video.relative_to(folder)
        first = relative.parts[0]
        named = not reading.patterns and len(relative.parts) > 1 and not is_day(first)
        frames = _video(video, relative.as_posix(), first if named else "", reading)
        plan = replace(
            plan,
            photos=plan.photos + frames.photos,
            bad=plan.bad + frames.bad,
            notes=plan.notes + frames.notes,
        )
    suffixes = Counter(video.suffix.lower() for video in found)
    return replace(plan, ignored=dict(Counter(plan.ignored) - suffixes))


def _videos(folder: Path) -> list[Path]:
    files = visible_files(folder)
    catalogues = {path.parent for path in files if path.name == DATABASE}
    return [
        path for path in files if videos.is_video_name(path) and catalogues.isdisjoint(path.parents)
    ]


def _video(video: Path, name: str, identity: str, reading: Reading) -> ImportPlan:
    from resight.catalogue.names import clean_name

    if reading.frames is None:
        raise ImportFileError(f"{video} is a video: say where its frames may be kept")
    try:
        who = clean_name(identity)
    except ValueError as error:
        return ImportPlan(str(video), (), (BadSource(str(video), str(error)),))
    return videos.plan_video(video, reading.frames, name=name, identity=who)
