"""What one server works with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from resight.catalogue import Catalogue
from resight.jobs import ACTIVE, Jobs, bulk_kinds
from resight.photos import PhotoLimits
from resight.service.answers import keep
from resight.service.board import Board
from resight.service.boxfinder import BoxFinder
from resight.service.passwords import Passwords
from resight.service.searching import Searcher
from resight.service.store import DeskStore
from resight.settings import Settings, load_settings

#: What may be uploaded: decoding takes up to 14 bytes of memory a pixel.
UPLOADS = PhotoLimits(max_pixels=100_000_000, max_bytes=100_000_000)


@dataclass(eq=False)
class Desk:
    """The parts of a running desk. ``local_user`` acts as curator where ``login_required`` is
    false, which is for a server that only this machine reaches."""

    catalogue: Catalogue
    store: DeskStore
    searcher: Searcher
    login_required: bool
    local_user: str
    uploads: PhotoLimits = UPLOADS
    #: Goes into the header X-CSRF-Token where there is no login.
    local_csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def __post_init__(self) -> None:
        self.board = Board(self.catalogue, self.store)
        self.boxes = BoxFinder(self.catalogue, self.searcher.settings)
        self.passwords = Passwords()
        kinds = bulk_kinds(
            self.catalogue,
            self.searcher.for_bulk,
            ask=self._ask,
            settings=self.searcher.settings,
            local=not self.login_required,
        )
        self.jobs = Jobs(self.catalogue.folder, kinds)
        #: Of people's questions, one at a time, in the order they came.
        self.turn = anyio.Lock()

    def jobs_at_work(self) -> int:
        """How many jobs are queued or running."""
        return sum(job.state in ACTIVE for job in self.jobs.all())

    def _ask(self, encounter: str, actor: str) -> None:
        """Identify an encounter for a job, and keep the answer."""
        groups = self.board.now()
        annotations = [each.id for each in groups.encounter(encounter).records]
        asked = [self.searcher.ask(annotation) for annotation in annotations]
        keep(self.store, self.searcher.found(asked), groups, actor)

    def close(self) -> None:
        """Stop the jobs, which go on when the desk is opened again, and close the databases."""
        self.jobs.close()
        self.store.close()
        self.catalogue.close()


def open_desk(
    folder: Path, *, local_user: str, login_required: bool, settings: Settings | None = None
) -> Desk:
    """The desk of a catalogue's folder. Raises what ``Catalogue.open`` raises."""
    catalogue = Catalogue.open(folder)
    values = settings or load_settings([], catalogue=folder)
    return Desk(
        catalogue,
        DeskStore(catalogue.folder),
        Searcher(catalogue, values),
        login_required,
        local_user,
    )
