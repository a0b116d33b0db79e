"""Works on a catalogue's jobs until it is killed: ``python victim.py FOLDER``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from resight.jobs import Jobs, Kind, Task


def count(task: Task) -> dict[str, int]:
    """Fifty items, each written down before it is said to be finished."""
    done = task.finished
    for number in range(50):
        task.tell("counting", number, 50)
        if str(number) in done:
            continue
        with Path(sys.argv[1], "made.txt").open("a") as file:
            file.write(f"{number}\n")
        task.finish(str(number))
        time.sleep(0.002)
    return {"counted": 50}


if __name__ == "__main__":
    with Jobs(Path(sys.argv[1]), {"count": Kind(count)}) as jobs:
        jobs.start()
        sys.stdout.write("works\n")
        sys.stdout.flush()
        while any(job.state in ("queued", "running") for job in jobs.all()):
            time.sleep(0.01)
