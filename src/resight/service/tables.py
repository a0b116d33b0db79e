"""What the service says of tables that were sent with their photos."""

from __future__ import annotations

from typing import Annotated, Literal, Optional

from pydantic import BaseModel, Field

from resight.catalogue.records import AddStatus
from resight.service.models import Asked, Likeness

#: As ``resight.catalogue.dates.ORDERS``.
DateOrder = Literal["day-first", "month-first", "year-first"]
_Column = Annotated[str, Field(max_length=500)]


class Row(BaseModel):
    """What becomes of a row, and what it says. ``source``: its line and the photo it names;
    ``like``: what the catalogue has that its photo is perhaps a copy of; ``damaged``: what is wrong
    with the data of a new photo that can be shown all the same."""

    source: str
    status: AddStatus
    reason: str
    annotation: Optional[str]
    like: Optional[Likeness] = None
    damaged: str = ""
    said: dict[str, str]


class DateChoice(BaseModel):
    """Dates of a table that do not show the order of day, month and year: what ``example`` is by
    each (empty: it is no date then), and by which they are read, null as long as nobody chose."""

    order: Optional[str]
    example: str
    choices: dict[str, str]


class Report(BaseModel):
    """What becomes of a table: the rows that need somebody first. ``dates`` is null where nothing
    is to be chosen."""

    counts: dict[str, int]
    rows: list[Row]
    warnings: list[str]
    unnamed: list[str]
    dates: Optional[DateChoice] = None


class Column(BaseModel):
    """A column of a table, with the first value that stands in it."""

    name: str
    sample: str


class TableImport(BaseModel):
    """A table that was sent. ``columns`` says by field which column is read for it; a sheet whose
    columns are known anyhow (Wildbook's) has ``fixed``. ``report`` is there once it was put in,
    by ``decisions``, newest first: one, or after an interruption several. ``dates`` and ``others``
    are as last chosen."""

    id: str
    name: str
    begun_at: str
    rows: int
    header: list[Column]
    fields: list[str]
    columns: dict[str, str]
    fixed: bool
    dates: Optional[str]
    others: bool
    photos: list[str]
    job: Optional[int]
    report: Optional[Report]
    decisions: list[int]


class SentPhoto(BaseModel):
    """A photo that is kept with a table."""

    path: str
    width: int
    height: int


class Choices(Asked):
    """How to read a table: by field its column, null as guessed; ``dates`` by the order of day,
    month and year, null as they show it. ``others``: photos that no row names are put in too."""

    columns: Optional[Annotated[dict[str, _Column], Field(max_length=40)]] = None
    others: bool = False
    dates: Optional[DateOrder] = None
