"""A catalogue's annotations as files for other programs.

Hidden annotations are left out, as everywhere. Positions are coarse unless precise ones are
asked for; a photo whose EXIF holds its position would give that away, so such photos are
exported together with precise positions only.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from resight.catalogue import AnnotationRecord, Catalogue
from resight.errors import ExportError, NotFound
from resight.files import write_whole
from resight.formats import camtrap, histories, table, wildbook
from resight.formats.places import coarsened

#: Formats by the suffix of a file to write, where one tells.
SUFFIXES: Mapping[str, str] = {".csv": "csv", ".json": "json", ".inp": "mark", ".xlsx": "wildbook"}
FORMATS = ("csv", "json", "mark", "camtrap-dp", "wildbook")
#: Formats that name photos, which can be copied beside the tables.
WITH_PHOTOS = ("csv", "json", "camtrap-dp", "wildbook")


@dataclass(frozen=True)
class ExportOptions:
    """What to export, and how. ``format`` is one of ``FORMATS``.

    ``precise``: positions as they are. ``photos``: copy the photos too. ``occasions`` (``year``,
    ``month``, ``day``) is of capture histories, ``creator`` is named in Camtrap DP.
    """

    format: str
    precise: bool = False
    photos: bool = False
    occasions: str = "year"
    creator: str = "unknown"


@dataclass(frozen=True)
class Exported:
    """What was written. ``left_out`` says what the format could not hold; ``missing`` names
    photos that are lost or damaged in the catalogue, so that they could not be copied."""

    path: Path
    format: str
    annotations: int
    individuals: int
    photos: int
    left_out: tuple[str, ...]
    missing: tuple[str, ...]


def format_named(target: Path, format: str = "") -> str:
    """The format asked for, or what the target's suffix says. Raises ``ExportError``."""
    found = format or SUFFIXES.get(target.suffix.lower(), "")
    if found not in FORMATS:
        known = ", ".join(FORMATS)
        if format:
            raise ExportError(f"there is no format {format!r}; there are {known}")
        raise ExportError(f"{target.name} does not say in which format: name one of {known}")
    return found


def export(catalogue: Catalogue, target: Path, options: ExportOptions) -> Exported:
    """Write the visible annotations to ``target``, which must not exist.

    ``target`` is a file; with photos, and for Camtrap DP always, a folder. It appears when all
    of it is there. Raises ``ExportError`` where it exists, where nothing could be written, or
    where photos would give away positions that are to be coarse.
    """
    format_named(target, options.format)
    if target.exists() or target.is_symlink():
        raise ExportError(f"{target} exists already: name another file or folder")
    if options.photos and options.format not in WITH_PHOTOS:
        raise ExportError(f"{options.format} names no photos: leave out --photos")
    records = [each for each in catalogue.annotations() if not each.hidden]
    if not records:
        raise ExportError("there is nothing to export: the catalogue has no visible photo")
    if options.photos and not options.precise:
        _refuse_positions(records)
    made = _made(records, target, options)
    noted = catalogue.notes().keys() & {each.individual for each in made.written}
    unwritten = (f"notes on individuals ({len(noted)}): a backup keeps them",) if noted else ()
    target.parent.mkdir(parents=True, exist_ok=True)
    if options.photos or options.format == "camtrap-dp":
        copied, missing = _write_folder(catalogue, target, made, photos=options.photos)
    else:
        copied, missing = _write_files(target, made)
    return Exported(
        target,
        options.format,
        len(made.written),
        len({each.individual for each in made.written} - {""}),
        copied,
        made.left_out + unwritten,
        missing,
    )


def _refuse_positions(records: Sequence[AnnotationRecord]) -> None:
    telling = {each.photo.sha256: each.name for each in records if each.photo.place}
    if telling:
        raise ExportError(
            f"{len(telling)} photos hold the precise position in their EXIF, such as "
            f"{next(iter(telling.values()))}: ask for precise places too, or leave out the photos"
        )


@dataclass(frozen=True)
class _Made:
    """Files by name, the annotations in them, and where each photo is to be copied."""

    files: Mapping[str, bytes]
    written: Sequence[AnnotationRecord]
    left_out: tuple[str, ...] = ()
    photo_paths: Mapping[str, str] | None = None


def _made(records: Sequence[AnnotationRecord], target: Path, options: ExportOptions) -> _Made:
    told = list(records) if options.precise else coarsened(records)
    stem = target.stem if target.suffix.lower() in SUFFIXES else target.name
    paths = {each.photo.sha256: table.original_path(each) for each in told}
    match options.format:
        case "csv":
            return _Made({f"{stem}.csv": table.to_csv(told)}, told, photo_paths=paths)
        case "json":
            data = table.to_json(told, precise=options.precise)
            return _Made({f"{stem}.json": data}, told, photo_paths=paths)
        case "mark":
            return _histories(told, stem, options.occasions)
        case "wildbook":
            flat = {each.photo.sha256: wildbook.photo_name(each) for each in told}
            files = {f"{stem}.xlsx": wildbook.to_sheet(told)}
            return _Made(files, told, tuple(wildbook.left_out(told)), flat)
    package = camtrap.to_package(told, title=stem, creator=options.creator, precise=options.precise)
    if not package.written:
        raise ExportError(
            "no photo has both a position and a time, and Camtrap DP demands both of each: a table "
            "with latitude and longitude, added again, fills them in"
        )
    gaps = tuple(
        f"{number} annotations without {what}, which Camtrap DP demands"
        for what, number in package.left_out.items()
    )
    return _Made(package.files, package.written, gaps, paths)


def _histories(records: Sequence[AnnotationRecord], stem: str, occasions: str) -> _Made:
    found = histories.histories_of(records, occasions)
    if not found.seen:
        raise ExportError(f"no named individual was seen in a known {occasions}")
    files = {
        f"{stem}.inp": histories.to_inp(found),
        f"{stem}-occasions.csv": histories.occasions_csv(found),
    }
    gaps = [f"{found.undated} photos whose {occasions} is not known"] if found.undated else []
    written = [each for each in records if each.individual in found.seen]
    return _Made(files, written, tuple(gaps))


def _write_files(target: Path, made: _Made) -> tuple[int, tuple[str, ...]]:
    """Write the files; the first is the target, whatever its suffix."""
    first, *others = made.files
    for name in others:
        beside = target.with_name(name)
        if beside.exists():
            raise ExportError(f"{beside} exists already: name another file than {target.name}")
        write_whole(beside, made.files[name])
    write_whole(target, made.files[first])
    return 0, ()


def _write_folder(
    catalogue: Catalogue, target: Path, made: _Made, *, photos: bool
) -> tuple[int, tuple[str, ...]]:
    """Write files and photos into a new folder; how many photos, and which are missing."""
    copied, missing = 0, []
    with TemporaryDirectory(dir=target.parent, prefix=f"{target.name}-unfinished-") as made_in:
        folder = Path(made_in) / target.name
        folder.mkdir()
        for name, data in made.files.items():
            write_whole(folder / name, data)
        if photos:
            of_photo = {each.photo.sha256: each for each in made.written}
            for sha256, record in of_photo.items():
                path = folder / (made.photo_paths or {})[sha256]
                path.parent.mkdir(parents=True, exist_ok=True)
                if _copied(catalogue, record, path):
                    copied += 1
                else:
                    missing.append(record.name)
        folder.rename(target)
    return copied, tuple(missing)


def _copied(catalogue: Catalogue, record: AnnotationRecord, path: Path) -> bool:
    """Copy a photo's original; whether it was there, whole."""
    from resight.catalogue.originals import sha256_of

    try:
        shutil.copyfile(catalogue.original(record.photo.sha256), path)
    except (FileNotFoundError, NotFound):
        return False
    if sha256_of(path) == record.photo.sha256:
        return True
    path.unlink()
    return False
