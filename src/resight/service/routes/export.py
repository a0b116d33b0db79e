"""The catalogue in the formats of other programs."""

from __future__ import annotations

import io
import zipfile
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from fastapi import APIRouter, Response

from resight.formats import ExportOptions
from resight.formats import export as write
from resight.service.asking import TheAsker, TheDesk
from resight.service.problems import Refused

router = APIRouter(tags=["export"])

Format = Literal["csv", "json", "capture-history", "camtrap-dp", "wildbook"]
_SUFFIX = {
    "csv": ".csv",
    "json": ".json",
    "capture-history": ".inp",
    "camtrap-dp": "",
    "wildbook": ".xlsx",
}
_MEDIA = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {each: {} for each in _MEDIA.values()}}},
)
def export(
    format: Format,
    desk: TheDesk,
    asker: TheAsker,
    occasions: Literal["year", "month", "day"] = "year",
    precise: bool = False,
) -> Response:
    """All visible annotations as one file; several files, as of Camtrap DP, in a ZIP file.

    Places are rounded to 0.1 degree unless a curator asks for ``precise`` ones. ``occasions``
    is what an occasion is in capture histories (for MARK and RMark).
    """
    if precise and not asker.may("curator"):
        raise Refused(HTTPStatus.FORBIDDEN, f"precise places are for curators, not {asker.name}")
    kind = "mark" if format == "capture-history" else format
    options = ExportOptions(kind, precise, occasions=occasions, creator=asker.name)
    with TemporaryDirectory(prefix="resight-export-") as temporary:
        folder = Path(temporary)
        write(desk.catalogue, folder / f"catalogue{_SUFFIX[format]}", options)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        one = files[0] if len(files) == 1 else None
        data = one.read_bytes() if one else _zipped(folder, files)
    suffix = one.suffix if one else ".zip"
    headers = {"content-disposition": f'attachment; filename="catalogue{suffix}"'}
    return Response(data, media_type=_MEDIA[suffix], headers=headers)


def _zipped(folder: Path, files: list[Path]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder).as_posix())
    return whole.getvalue()
