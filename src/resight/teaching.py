"""Teach a matcher that must learn from the gallery it will search."""

from __future__ import annotations

from dataclasses import replace

from resight.identify import Gallery
from resight.matchers import LearningMatcher
from resight.method import Method


def taught_by(gallery: Gallery, method: Method) -> Method:
    """The method with its matcher taught by the gallery's individuals, if it can learn.

    No query is learned from; what a query's own encounter or photo in the gallery taught is
    taken back by ``Identifier`` when it asks. Raises what ``LearningMatcher.learned`` does.
    """
    matcher = method.matcher
    if not isinstance(matcher, LearningMatcher):
        return method
    entries = [entry for entry in gallery.entries() if entry.individual]
    features = gallery.features(
        [entry.annotation for entry in entries],
        method.extractor,
        long_edge=method.long_edge,
        margin=method.margin,
    )
    photos = [
        (entry, each)
        for entry, each in zip(entries, features, strict=True)
        if each is not None and len(each)
    ]
    return replace(method, matcher=matcher.learned(photos))
