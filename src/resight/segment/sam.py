"""Segment Anything, as the two ONNX files that the user brings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from resight.engine import Engine
from resight.errors import ModelError
from resight.fingerprints import fingerprint
from resight.models.userfile import UserFile
from resight.types import Chip

#: Names of the files in their folder.
ENCODER, DECODER = "encoder.onnx", "decoder.onnx"

#: What the decoder of the authors' export is asked.
_ASKED = (
    "image_embeddings",
    "point_coords",
    "point_labels",
    "mask_input",
    "has_mask_input",
    "orig_im_size",
)
_CORNERS = (2.0, 3.0)  # labels of a box's upper left and lower right point
_SIDE = 1024  # of an encoder that does not say
_MASK = 256  # of the decoder's mask of before, of which there is none
#: Of ImageNet's photos: red, green, blue, 0..255.
_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
_DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)
_BORDER = 0.01  # of the box that is asked for, within the chip


class Sam:
    """A network of the SAM family: an encoder, and a decoder asked for what is in a box.

    Kirillov et al., "Segment Anything", ICCV 2023, https://arxiv.org/abs/2304.02643; MobileSAM
    and others whose decoder has the inputs of the authors' export. The box is the chip, but for
    a narrow border. Encoders take (1, 3, h, w) or (h, w, 3); the chip is scaled to their size
    and padded. Maps are the decoder's surest mask, as probabilities, of a long edge of 256.

    Raises ``ModelError`` where the folder has no such files, ``EngineError`` where they fail.
    """

    def __init__(self, folder: Path, *, engine: Engine) -> None:
        encoder, decoder = UserFile(folder / ENCODER), UserFile(folder / DECODER)
        lacking = [name for name in _ASKED if name not in decoder.inputs]
        if lacking or {"iou_predictions", "low_res_masks"} - set(decoder.outputs):
            raise ModelError(
                f"{decoder.path} is no decoder of Segment Anything: it lacks "
                f"{', '.join(lacking) or 'the outputs iou_predictions and low_res_masks'}; export "
                "it by the authors' export_onnx_model.py"
            )
        if len(encoder.shape) not in (3, 4):
            raise ModelError(f"{encoder.path} takes no photos; export the image encoder")
        self._encoder, self._decoder = encoder, decoder
        self._planes = len(encoder.shape) == 4
        self._side = (max(encoder.shape[2:]) if self._planes else 0) or _SIDE
        self._graphs = engine.load(encoder, exact=True), engine.load(decoder, exact=True)
        self.fingerprint = fingerprint(
            "sam.v1",
            border=_BORDER,
            decoder=decoder.digest[:16],
            encoder=encoder.digest[:16],
            engine=engine.name,
            opencv=cv2.__version__,
        )

    def masks(self, chips: Sequence[Chip]) -> list[NDArray[np.float32]]:
        """As ``Segmenter.masks``."""
        return [self._mask(chip) for chip in chips]

    def _mask(self, chip: Chip) -> NDArray[np.float32]:
        scale = self._side / max(chip.size)
        w, h = (max(1, round(side * scale)) for side in chip.size)
        fitted = cv2.resize(chip.pixels, (w, h), interpolation=cv2.INTER_AREA)
        (embedding, *_) = self._graphs[0].run({self._encoder.inputs[0]: self._seen(fitted)})
        near = np.array([w, h], np.float32) * _BORDER
        corners = np.array([near, np.array([w, h], np.float32) - near])[None]
        asked: dict[str, NDArray[Any]] = {
            "image_embeddings": embedding,
            "point_coords": corners.astype(np.float32),
            "point_labels": np.array([_CORNERS], np.float32),
            "mask_input": np.zeros((1, 1, _MASK, _MASK), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
            "orig_im_size": np.array([h, w], np.float32),
        }
        answer = self._graphs[1].run(asked)
        found = dict(zip(self._decoder.outputs, answer, strict=True))
        surest = int(found["iou_predictions"][0].argmax())
        low = found["low_res_masks"][0, surest]
        # The map covers the padded square; the chip is its upper left part.
        rows, columns = (max(1, round(s * len(low) / self._side)) for s in (h, w))
        likely: NDArray[np.float32] = 1 / (1 + np.exp(-low[:rows, :columns].astype(np.float32)))
        return likely

    def _seen(self, fitted: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the encoder is given: normalised and padded planes, or the pixels as they are."""
        if not self._planes:
            return fitted.astype(np.float32)
        padded = np.zeros((self._side, self._side, 3), np.float32)
        padded[: fitted.shape[0], : fitted.shape[1]] = (fitted - _MEAN) / _DEVIATION
        return np.ascontiguousarray(padded.transpose(2, 0, 1)[None])
