"""Jobs in one process: their order, their ends, and who goes first."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from resight.errors import JobError, NotFound, PhotoError
from resight.jobs import ACTIVE, Job, Jobs, Kind, Task

Wait = Callable[[Jobs, int], Job]


def ended(jobs: Jobs, id: int) -> Job:
    """The job, once it is."""
    found: Job = until(lambda: jobs.get(id) if jobs.get(id).state not in ACTIVE else None)
    return found


def began(jobs: Jobs, id: int) -> None:
    """Once it has told how far it is: it looks for what concerns it a quarter second later."""
    until(lambda: jobs.get(id).stage)


def until(what: Callable[[], Any]) -> Any:
    """What it gives, once that is true."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("this never came")


class Steps:
    """A kind whose steps the test lets through one by one."""

    def __init__(self, total: int = 3) -> None:
        self.total = total
        self.allowed = threading.Semaphore(0)
        self.made: list[str] = []

    def run(self, task: Task) -> dict[str, Any]:
        for number in range(self.total):
            task.tell("stepping", number, self.total)
            if str(number) not in task.finished:
                assert self.allowed.acquire(timeout=20)
                self.made.append(f"{task.job.id}:{number}")
                task.finish(str(number))
        return {"made": len(self.made)}

    def let(self, steps: int) -> None:
        self.allowed.release(steps)


@pytest.fixture
def slow() -> Steps:
    return Steps()


@pytest.fixture
def jobs(tmp_path: Path, slow: Steps) -> Iterator[Jobs]:
    """Kinds ``quick``, which goes before ``slow``, and ``bad`` and ``broken``, which fail."""

    def bad(task: Task) -> dict[str, Any]:
        raise PhotoError("no photo")

    def broken(task: Task) -> dict[str, Any]:
        return {"never": 1 // 0}

    kinds = {
        "quick": Kind(lambda task: {"asked": dict(task.arguments)}, {"n": int}),
        "slow": Kind(slow.run),
        "bad": Kind(bad),
        "broken": Kind(broken),
    }
    with Jobs(tmp_path, kinds) as made:
        yield made
        slow.let(1000)


def test_a_job_is_done_and_its_result_kept(jobs: Jobs) -> None:
    jobs.start()
    asked = jobs.add("quick", {"n": 3}, actor="Ann")
    assert (asked.state, asked.actor) == ("queued", "Ann")
    found = ended(jobs, asked.id)
    assert found.state == "done"
    assert found.result == {"asked": {"n": 3}}
    assert found.created_at <= found.started_at <= found.ended_at
    assert jobs.all() == (found,)


def test_progress_is_told_while_it_runs(jobs: Jobs, slow: Steps) -> None:
    jobs.start()
    id = jobs.add("slow", actor="Ann").id
    slow.let(1)
    time.sleep(0.3)  # told four times a second
    slow.let(1)
    found = until(lambda: jobs.get(id) if jobs.get(id).done == 2 else None)
    assert (found.stage, found.done, found.total) == ("stepping", 2, 3)


def test_an_error_is_kept_as_its_message_and_others_go_on(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    jobs.start()
    bad, broken, quick = (jobs.add(kind, actor="Ann").id for kind in ("bad", "broken", "quick"))
    assert (ended(jobs, bad).state, ended(jobs, bad).message) == ("failed", "no photo")
    assert "ZeroDivisionError" in ended(jobs, broken).message
    assert "Traceback" in caplog.text, "a mistake of resight's is logged in full"
    assert ended(jobs, quick).state == "done"


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_next_step(
    jobs: Jobs, slow: Steps
) -> None:
    waiting = jobs.add("slow", actor="Ann")
    assert jobs.cancel(waiting.id).state == "cancelled"
    running = jobs.add("slow", actor="Ann")
    jobs.start()
    began(jobs, running.id)
    assert jobs.cancel(running.id).message == "is being cancelled"
    time.sleep(0.3)  # cancelling is looked for four times a second
    slow.let(1)
    found = ended(jobs, running.id)
    assert (found.state, found.message) == ("cancelled", "")
    assert slow.made == [f"{running.id}:0"]
    assert jobs.cancel(running.id) == found, "an ended job stays as it is"


def test_what_waits_already_is_not_queued_twice(jobs: Jobs) -> None:
    first = jobs.add("quick", {"n": 1}, actor="Ann")
    assert jobs.add("quick", {"n": 1}, actor="Ben").id == first.id
    assert jobs.add("quick", {"n": 2}, actor="Ben").id != first.id


def test_a_running_job_gives_way_to_a_more_urgent_kind(jobs: Jobs, slow: Steps) -> None:
    id = jobs.add("slow", actor="Ann").id
    jobs.start()
    began(jobs, id)
    urgent = jobs.add("quick", actor="Ben").id
    time.sleep(0.3)
    slow.let(1)
    assert ended(jobs, urgent).state == "done"
    assert jobs.get(id).state in ACTIVE
    slow.let(2)
    assert ended(jobs, id).result == {"made": 3}, "no step was made twice"


def test_jobs_pause_while_somebody_waits(jobs: Jobs, slow: Steps) -> None:
    slow.let(3)
    with jobs.interactive():
        jobs.start()
        id = jobs.add("slow", actor="Ann").id
        began(jobs, id)
        time.sleep(0.6)
        assert slow.made == []
    assert ended(jobs, id).state == "done"


def test_a_job_that_waits_for_people_can_be_cancelled(jobs: Jobs) -> None:
    with jobs.interactive():
        jobs.start()
        id = jobs.add("slow", actor="Ann").id
        began(jobs, id)
        jobs.cancel(id)
        assert ended(jobs, id).state == "cancelled"


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("quck", {}, "there are quick, slow"),
        ("quick", {"m": 1}, "it takes n"),
        ("slow", {"m": 1}, "it takes none"),
        ("quick", {"n": "1"}, "must be a int"),
    ],
)
def test_what_cannot_be_done_is_refused(
    jobs: Jobs, kind: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(JobError, match=message):
        jobs.add(kind, arguments, actor="Ann")
    assert jobs.all() == ()


def test_an_unknown_job_is_not_found(jobs: Jobs) -> None:
    with pytest.raises(NotFound, match="no job 7"):
        jobs.get(7)
    with pytest.raises(NotFound):
        jobs.cancel(7)


def test_changes_come_in_order_and_once(jobs: Jobs, slow: Steps) -> None:
    first, second = jobs.add("slow", actor="Ann"), jobs.add("quick", actor="Ann")
    assert [each.id for each in jobs.changed(0)] == [first.id, second.id]
    jobs.cancel(first.id)
    found = jobs.changed(second.revision)
    assert [(each.id, each.state) for each in found] == [(first.id, "cancelled")]
    assert jobs.changed(found[-1].revision) == ()


def test_closing_stops_at_the_next_step_and_the_next_program_goes_on(
    tmp_path: Path, slow: Steps
) -> None:
    first = Jobs(tmp_path, {"slow": Kind(slow.run)})
    first.start()
    id = first.add("slow", actor="Ann").id
    began(first, id)
    closing = threading.Thread(target=first.close)
    closing.start()
    until(lambda: first.ending)
    slow.let(1)
    closing.join(20)
    slow.let(2)
    with Jobs(tmp_path, {"slow": Kind(slow.run)}) as second:
        assert second.get(id).state == "queued"
        second.start()
        assert ended(second, id).state == "done"
    assert slow.made == [f"{id}:{number}" for number in range(3)]


def test_of_two_programs_one_works_and_both_see_it(tmp_path: Path, slow: Steps) -> None:
    kinds = {"slow": Kind(slow.run)}
    with Jobs(tmp_path, kinds) as works, Jobs(tmp_path, kinds) as looks:
        works.start()
        first = works.add("slow", actor="Ann").id
        began(works, first)
        looks.start()
        second = looks.add("slow", actor="Ben").id
        time.sleep(0.6)
        assert looks.get(second).state == "queued", "one at a time"
        slow.let(6)
        assert ended(looks, second).state == "done"


def test_only_the_last_that_ended_are_remembered(jobs: Jobs, monkeypatch: Any) -> None:
    monkeypatch.setattr("resight.jobs.store.KEPT", 5)
    jobs.start()
    ids = [jobs.add("quick", {"n": n}, actor="Ann").id for n in range(8)]
    ended(jobs, ids[-1])
    assert [each.id for each in jobs.all()] == ids[:2:-1]


@pytest.mark.parametrize("place", ["all", "header", "page", "text", "schema"])
def test_a_damaged_file_is_begun_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    with Jobs(tmp_path, {"quick": Kind(lambda _: {}, {"path": str})}) as jobs:
        jobs.add("quick", {"path": "somewhere"}, actor="Ann")
    file = tmp_path / "jobs.sqlite"
    sound = file.read_bytes()
    damaged = {
        "all": b"no database" * 100,
        "header": sound[:18] + b"\xff\xff" + sound[20:],  # a format that SQLite does not know
        "page": sound[:4096] + bytes(4096) + sound[8192:],
        "text": sound.replace(b'{"path', b"{\xffpath"),
        "schema": sound.replace(b"CREATE TABLE", b"CREATE TABBY"),
    }
    assert damaged[place] != sound
    file.write_bytes(damaged[place])
    with Jobs(tmp_path, {"quick": Kind(lambda _: {})}) as jobs:
        assert jobs.all() == ()
    assert "begun anew" in caplog.text


def test_one_of_another_resight_is_begun_anew(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "jobs.sqlite")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with Jobs(tmp_path, {"quick": Kind(lambda _: {})}) as jobs:
        jobs.add("quick", actor="Ann")
        assert len(jobs.all()) == 1
