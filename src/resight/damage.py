"""Photos that decode, and are damaged all the same.

A JPEG of which a memory card has lost some bytes still decodes: from there on its blocks have wrong
colours or are grey, and decoders pass over it. libjpeg counts such places as warnings, which Pillow
and OpenCV keep to themselves.
"""

from __future__ import annotations

from pathlib import Path

_JPEG = ("JPEG", "MPO")


def damage(path: Path, format: str) -> str:
    """What the decoder says is wrong with the data of a JPEG file; empty where nothing is.

    ``format`` as in ``Photo``: of others than JPEG nothing is said.

    Of 150 real photos with 30 random bytes changed 147 are told, with 5 bytes 107, with one 31
    (Pillow refuses 35, 5 and none); of 400 sound ones none. It takes half of the time of
    decoding, as it makes a small picture only.

    Raises ``OSError`` where the file cannot be read.
    """
    if format not in _JPEG:
        return ""
    import simplejpeg  # only where photos are added

    small = {"colorspace": "GRAY", "min_height": 1, "min_width": 1, "min_factor": 1}
    try:
        simplejpeg.decode_jpeg(path.read_bytes(), strict=True, **small)
    except ValueError as warned:
        return str(warned).strip() or "its data are not whole"
    return ""
