"""Annotations as a catalogue gives them, for any text and number it can hold."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from resight.catalogue import AnnotationRecord, PlannedPhoto
from resight.catalogue.names import clean_name, date_named
from resight.masks import Mask
from resight.types import SIDES, Box, Photo, Place


def _clean(text: str) -> str:
    try:
        return clean_name(text)
    except ValueError:
        return ""


#: Names with what spreadsheet programs run, and what other formats use as separators.
_AWKWARD = st.sampled_from(
    ["=1+1", "+1", "-1", "@SUM(A1)", "'=x", "''-x", "'Crush", "a|b", "a,b;c", '"', "*/", "\uff1d1"]
)
names = (st.text(max_size=12) | _AWKWARD).map(_clean)
file_names = (st.text(min_size=1, max_size=12) | _AWKWARD).filter(
    lambda name: name == name.encode("utf-8", "replace").decode() and "\0" not in name
)
places = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))
dates = st.one_of(
    st.just(""),
    st.dates().map(str),
    st.dates().map(lambda day: str(day)[:7]),
    st.dates().map(lambda day: str(day)[:4]),
    st.datetimes().map(lambda moment: date_named(str(moment.replace(microsecond=0)))),
)
masks = st.builds(
    Mask.of,
    arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9)).filter(np.any),
    st.builds(Box, *[st.floats(-50, 50)] * 2, *[st.floats(0.5, 500)] * 2),
)
boxes = st.builds(Box, *[st.floats(-50, 50)] * 2, *[st.floats(0.5, 500)] * 2)


@st.composite
def records(draw: st.DrawFn, name: st.SearchStrategy[str] = file_names) -> AnnotationRecord:
    """One annotation; every photo its own."""
    number = draw(st.integers(0, 10**9))
    taken = draw(st.none() | st.datetimes(datetime(1826, 1, 1), datetime(2100, 1, 1)))
    photo = Photo(
        sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        size=(draw(st.integers(1, 4000)), draw(st.integers(1, 4000))),
        format=draw(st.sampled_from(["JPEG", "PNG", "TIFF", "WebP", "HEIF"])),
        bytes=1,
        taken_at=taken,
        utc_offset=draw(st.none() | st.integers(-720, 840)) if taken else None,
        place=draw(st.none() | places),
    )
    return AnnotationRecord(
        id=f"{number:016x}",
        photo=photo,
        name=draw(name),
        box=draw(st.none() | boxes),
        rotation=draw(st.just(0.0) | st.floats(-180, 180).map(lambda angle: angle + 0.0)),
        individual=draw(names),
        side=draw(st.sampled_from(sorted(SIDES))),
        encounter=draw(names),
        species=draw(names),
        date=draw(dates),
        place=draw(names),
        position=draw(st.none() | places),
        hidden=False,
        mask=draw(st.none() | masks),
    )


def draw_photo(path: Path, seed: int) -> Path:
    """A photo of noise, equal for equal seeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def said(of: AnnotationRecord | PlannedPhoto) -> dict[str, object]:
    """What people said of an annotation, in a record or in a plan."""
    who = of.individual if isinstance(of, AnnotationRecord) else of.identity
    fields = (
        "box",
        "rotation",
        "side",
        "encounter",
        "species",
        "date",
        "place",
        "position",
        "mask",
    )
    return {"name": of.name, "who": who, **{field: getattr(of, field) for field in fields}}
