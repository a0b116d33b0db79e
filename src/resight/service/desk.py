"""What one server works with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from resight.catalogue import AddOutcome, Catalogue
from resight.jobs import ACTIVE, Job, Jobs, Kind, Task, bulk_kinds
from resight.jobs.kinds import look_at_photos
from resight.photos import PhotoLimits
from resight.service.answers import keep
from resight.service.board import Board
from resight.service.boxfinder import BoxFinder
from resight.service.imports import Choice, Imports
from resight.service.maskfinder import MaskFinder
from resight.service.passwords import Passwords
from resight.service.rows import planned, report_of
from resight.service.searching import Searcher
from resight.service.sidefinder import SideProposer
from resight.service.store import DeskStore
from resight.settings import Settings, load_settings
from resight.weakest import keep as keep_details

#: The job that puts in a table that was sent.
TABLE_JOB = "table"
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
        self.masks = MaskFinder(self.catalogue, self.searcher.settings)
        self.sides = SideProposer(self.catalogue, self.searcher.settings)
        self.passwords = Passwords()
        kinds = bulk_kinds(
            self.catalogue,
            self.searcher.for_bulk,
            ask=self._ask,
            settings=self.searcher.settings,
            local=not self.login_required,
        )
        self.imports = Imports(self.catalogue.folder, self.uploads, self.puts_in)
        table = Kind(self._put_in, {"import": str})
        self.jobs = Jobs(self.catalogue.folder, {TABLE_JOB: table, **kinds})
        #: Of people's questions, one at a time, in the order they came.
        self.turn = anyio.Lock()

    def jobs_at_work(self) -> int:
        """How many jobs are queued or running."""
        return sum(job.state in ACTIVE for job in self.jobs.all())

    def put_in(self, id: str, owner: str, choice: Choice) -> Job:
        """Put in a table that was sent, read so: a job. Raises what ``Imports.choose`` raises."""
        with self.imports.lock:  # pressed twice it is one job, and nobody chooses otherwise between
            at_work = self.puts_in(id)
            if at_work is None:
                self.imports.choose(id, owner, choice)
                at_work = self.jobs.add(TABLE_JOB, {"import": id}, actor=owner)
            return at_work

    def _put_in(self, task: Task) -> dict[str, Any]:
        """Put in a table that was sent; a second run knows what the first has added."""
        sent = self.imports.get(task.arguments.get("import", ""), task.actor)
        done = sent.report()
        if done is not None:  # the program ended before it could say that this is done
            return {**done["counts"], "decisions": done["decisions"]}
        copies = sent.photos().values()
        plan, unnamed = planned(sent, self.catalogue)
        total = len(plan.photos) + len(plan.bad)
        outcomes: list[AddOutcome] = []
        look_at_photos(self.catalogue, task)
        # By the note are found again the decisions of runs that were interrupted.
        note = f"table {sent.id}"
        adding = self.catalogue.add(plan, actor=task.actor, note=note, limits=self.uploads)
        for outcome in adding:
            outcomes.append(outcome)
            task.tell("adding", len(outcomes), total)
        keep_details(self.catalogue, outcomes)
        decisions = [
            each.id
            for each in self.catalogue.decisions()
            if each.kind == "add" and each.note.startswith(f"{note} ") and not each.undone
        ]
        report = report_of(plan, outcomes, unnamed).model_dump()
        self.imports.finish(sent, copies, {**report, "decisions": decisions})
        task.also("prepare")
        return {**report["counts"], "decisions": decisions}

    def puts_in(self, id: str) -> Job | None:
        """The job that is putting in the table of this id, if one is."""
        active = (job for job in self.jobs.all() if job.kind == TABLE_JOB and job.state in ACTIVE)
        return next((job for job in active if job.arguments.get("import") == id), None)

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
