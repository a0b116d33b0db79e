"""Jobs of a program that is killed at any instant (kill -9), and of the one started after it."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from resight.jobs import Jobs, Kind, Task

VICTIM = Path(__file__).with_name("victim.py")


def waiting(task: Task) -> dict[str, int]:
    raise AssertionError("nobody works in this process")


def start(folder: Path) -> subprocess.Popen[str]:
    victim = subprocess.Popen(
        [sys.executable, str(VICTIM), str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout
    assert victim.stdout.readline() == "works\n"
    return victim


def test_a_job_goes_on_after_each_kill_and_no_step_is_lost(tmp_path: Path) -> None:
    chance = random.Random(5)
    with Jobs(tmp_path, {"count": Kind(waiting)}) as looks:
        id = looks.add("count", actor="Ann").id
        for _ in range(5):
            victim = start(tmp_path)
            time.sleep(chance.uniform(0, 0.08))
            victim.kill()
            victim.communicate()
        victim = start(tmp_path)
        victim.communicate(timeout=60)
        job = looks.get(id)
    assert (job.state, job.result) == ("done", {"counted": 50})
    made = [int(line) for line in (tmp_path / "made.txt").read_text().split()]
    assert sorted(set(made)) == list(range(50))
    assert len(made) <= 50 + 5, "at each kill at most the item under way is made twice"


def test_a_job_that_kills_the_program_is_given_up(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from resight.jobs import Jobs, Kind\n"
        "jobs = Jobs(Path(sys.argv[1]), {'count': Kind(lambda task: os._exit(9))})\n"
        "jobs.start(); jobs._thread.join(20)"
    )
    with Jobs(tmp_path, {"count": Kind(waiting)}) as looks:
        id = looks.add("count", actor="Ann").id
        for _ in range(5):
            died = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
            assert died.returncode == 9
        with Jobs(tmp_path, {}) as next_one:
            next_one.start()
            end = time.monotonic() + 10
            while looks.get(id).state != "failed" and time.monotonic() < end:
                time.sleep(0.02)
        job = looks.get(id)
    assert job.state == "failed"
    assert "ended 5 times" in job.message
