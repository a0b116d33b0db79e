"""Trials of drawn animals, for catalogues that have too few of their own.

``priors/*.jsonl`` are written by ``tools/learn_priors.py``; no real photo had a part in them.
"""

from __future__ import annotations

import re
from importlib.resources import files

from resight.calibration.trials import Trials
from resight.method import Effort, Method

#: Arguments of fingerprints that say how a score is computed, not which score it is.
_HOW = re.compile(r"(?:dense|descriptors|engine|graphs|opencv|precision)=[^,)]*(?:, )?")


def prior_for(method: Method, effort: Effort) -> Trials | None:
    """The trials of drawn animals by this method and effort; ``None`` if none were made.

    Scores mean something else with other settings (fewer keypoints, say), so only the
    engine, its precision and versions of libraries may differ.
    """
    name = f"{method.name.replace('+', '-')}-{effort.name}"
    wanted = stripped(asked_by(method, effort))
    for file in sorted((files("resight.calibration") / "priors").iterdir(), key=lambda f: f.name):
        if file.name.startswith(name):
            trials = Trials.parse(file.read_bytes(), file.name)
            if stripped(trials.fingerprint) == wanted:
                return trials
    return None


def asked_by(method: Method, effort: Effort) -> str:
    """All that changes the scores of an answer but for what is learned from a gallery."""
    parts = [method.fingerprint]
    if not effort.matches_all:
        parts += [method.screen.fingerprint] if method.screen else []
        parts.append(effort.fingerprint)
    return " | ".join(parts)


def stripped(fingerprint: str) -> str:
    """A fingerprint without what only says how a score is computed.

    >>> stripped("sift.v1(max_keypoints=512, opencv=5.0.0) | x(engine=openvino, layers=3)")
    'sift.v1(max_keypoints=512) | x(layers=3)'
    """
    return _HOW.sub("", fingerprint).replace(", )", ")")
