"""What the tests of the WBIA plugin share."""

from __future__ import annotations

import logging
from typing import Any

#: Little work, and enough for these animals.
SMALL = {"max_num_keypoints": 256, "image_size": 320}


def add_photos(ibs: Any, photos: list[Any]) -> list[int]:
    """One named annotation for each photo, by the box of the animal's head."""
    found: list[int] = ibs.add_annots(
        ibs.add_images([str(each.path) for each in photos]),
        bbox_list=[tuple(map(int, each.box)) for each in photos],
        nid_list=ibs.add_names([each.individual for each in photos]),
        species_list=["turtle_loggerhead"] * len(photos),
        viewpoint_list=["left"] * len(photos),
    )
    return found


class Work(logging.Handler):
    """Counts what the plugin says that it has done."""

    def __init__(self) -> None:
        super().__init__()
        self.described = self.compared = 0
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            self.warnings.append(text)
        elif text.endswith("annotations described"):
            self.described += 1
        elif text.endswith("pairs compared"):
            self.compared += 1

    def clear(self) -> None:
        self.described = self.compared = 0
        self.warnings = []


def ask(ibs: Any, qaids: list[int], daids: list[int], **config: Any) -> list[Any]:
    """WBIA's results of the pipeline LightGlue, or another ``pipeline_root``."""
    return list(request(ibs, qaids, daids, **config).execute())


def request(ibs: Any, qaids: list[int], daids: list[int], **config: Any) -> Any:
    """WBIA's query request."""
    cfgdict = {"pipeline_root": "LightGlue", **SMALL, **config}
    return ibs.new_query_request(qaids, daids, cfgdict=cfgdict, verbose=False)
