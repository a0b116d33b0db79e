"""One identification by a process of its own, on an index that is on the disk.

``benchmarks.growth_measure`` runs it, with a JSON object that says what is asked of which
gallery, and reads the JSON object that it prints.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from benchmarks.growth import gallery, growth_method, protocol_gallery
from rich.console import Console

from resight.evaluate.gallery import read_chip
from resight.evaluate.machine import peak_rss_mb
from resight.evaluate.protocol import read_protocol
from resight.identify import Identifier
from resight.shortlist.index import Shortlist
from resight.types import Features


def own_memory() -> int:
    """Bytes in RAM that are not pages of files, which the system can drop at any time."""
    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


def nothing_new(names: Sequence[str]) -> Iterator[Features | None]:
    """Describes photos that an index lacks: of a whole one there are none."""
    raise SystemExit(f"the index lacks {len(names)} photos")


def main() -> None:
    asked = json.loads(sys.argv[1])
    work, photos = Path(asked["work"]), Path(asked["photos"])
    method = growth_method()
    protocol = read_protocol(Path(asked["protocol"]))
    grown = gallery(
        protocol_gallery(protocol, photos, work, method, Console(stderr=True)),
        asked["kind"],
        asked["size"],
        work=work,
        count=asked["count"],
        rows=asked["rows"],
        method=method,
    )
    before = own_memory()
    shortlist = Shortlist(Path(asked["index"]))
    shortlist.update([entry.annotation for entry in grown.entries()], nothing_new)
    index_bytes = own_memory() - before
    identifier = Identifier(
        gallery=grown, method=method, effort=asked["effort"], shortlist=shortlist
    )
    row = protocol.queries[asked["query"]]
    chip, _ = read_chip(row, photos, method)
    answer = identifier.identify(chip, side=row.side, encounter=row.encounter)
    said = {
        "index_bytes": index_bytes,
        "peak_rss_mb": peak_rss_mb(),
        "first": answer.candidates[0].individual if answer.candidates else None,
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
