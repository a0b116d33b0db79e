"""Kill a process at every file operation and every SQL statement of a merge.

Run as ``python merge_points.py FOLDER``. As ``crash_points.py``: the n-th round forks a child that
merges and kills itself before its n-th operation; then what is left is checked and merged again.
Prints the number of kills.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from crash_points import Bomb, draw_photo  # type: ignore[import-not-found]

from resight.catalogue import Catalogue, plan_folders

_EVERY = int(os.environ.get("RESIGHT_CRASH_EVERY", "1"))


def set_up(folder: Path) -> None:
    """``ours`` and a colleague's copy of it, ``theirs``, which went on."""
    for seed in range(4):
        draw_photo(folder / "herd" / "Crush" / f"{seed}.png", seed)
        draw_photo(folder / "more" / "Dory" / f"{seed}.png", 10 + seed)
    with Catalogue.init(folder / "ours") as ours:
        list(ours.add(plan_folders(folder / "herd"), actor="ann"))
        archive = ours.backup(folder / "backup.zip").path
    with Catalogue.restore(archive, folder / "theirs") as theirs:
        list(theirs.add(plan_folders(folder / "more"), actor="bo"))
        theirs.describe(theirs.find("Crush"), side="left", actor="bo")


def round_of(folder: Path, fuse: int) -> bool:
    """One child's merge, cut off at the fuse's end; whether it was cut off."""
    place = folder / "place"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / "ours", place)
    child = os.fork()
    if child == 0:
        try:
            Bomb(fuse, place).arm()
            with Catalogue.open(place) as catalogue:
                catalogue.merge(folder / "theirs", actor="ann")
            os._exit(0)
        except BaseException as error:
            os.write(2, f"the child failed: {error!r}\n".encode())
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError(f"round {fuse}: the child failed")
    with Catalogue.open(place) as catalogue:
        wrong = [each for each in catalogue.check() if each.severity == "error"]
        merges = [each for each in catalogue.decisions() if each.kind == "merge"]
        seen = sorted(each.individual for each in catalogue.annotations())
        if wrong or seen != (["Crush"] * 4 + ["Dory"] * 4 if merges else ["Crush"] * 4):
            raise RuntimeError(f"round {fuse} left {wrong} and {seen}")
        catalogue.merge(folder / "theirs", actor="ann")
        seen = sorted(f"{each.individual} {each.side}" for each in catalogue.annotations())
        if seen != ["Crush left"] * 4 + ["Dory unknown"] * 4:
            raise RuntimeError(f"round {fuse} ended with {seen}")
        if len([each for each in catalogue.decisions() if each.kind == "merge"]) != 1:
            raise RuntimeError(f"round {fuse} merged more than once")
        list(catalogue.check(repair=True))
        if left := list(catalogue.check()):
            raise RuntimeError(f"round {fuse} left {left}")
    return os.WIFSIGNALED(status)


def main(folder: Path) -> None:
    set_up(folder)
    fuse = kills = 1
    while round_of(folder, fuse):
        fuse += _EVERY
        kills += 1
    sys.stdout.write(f"{kills - 1}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
