"""What other programs write and read: exported from a catalogue, planned for one to add."""

from __future__ import annotations

from resight.formats.boxes import Boxing
from resight.formats.encounters import known_encounters, with_encounters
from resight.formats.exporting import (
    FORMATS,
    Exported,
    ExportOptions,
    export,
    format_named,
)
from resight.formats.sources import Reading, plan_source, plan_sources

__all__ = [
    "FORMATS",
    "Boxing",
    "ExportOptions",
    "Exported",
    "Reading",
    "export",
    "format_named",
    "known_encounters",
    "plan_source",
    "plan_sources",
    "with_encounters",
]
