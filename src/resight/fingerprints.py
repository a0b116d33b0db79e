"""Fingerprints: one line that says everything that made a result."""

from __future__ import annotations


def fingerprint(name: str, /, **arguments: object) -> str:
    """``name(argument=value, …)`` with the arguments in alphabetical order.

    Whatever changes a result belongs among the arguments: settings, version of a
    library where it matters, precision, the sha256 of weights.

    >>> fingerprint("nearest.v1", ratio=0.8)
    'nearest.v1(ratio=0.8)'
    """
    return f"{name}({', '.join(f'{key}={arguments[key]}' for key in sorted(arguments))})"
