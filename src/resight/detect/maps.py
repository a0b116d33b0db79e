"""What a network trained on ImageNet makes of a picture and of its mirror image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resight.engine import Engine
from resight.fingerprints import fingerprint
from resight.models.folder import weights_path
from resight.models.graphs import ModelGraph
from resight.models.table import weights

#: What the template calls the maps of a sixteenth (112 numbers) and a thirty-second (320).
SIXTEENTH, THIRTY_SECOND = "add_5", "getitem_141"

_WEIGHTS = "efficientnet-lite0"


class MirroredMaps:
    """EfficientNet-Lite0 up to some of its ``maps``, over pictures of ``side`` x ``side`` pixels.

    Tan and Le, 2019: see ``resight.extractors.efficientnet``. Runs in float32 always; ``name``
    begins the fingerprint. Raises ``WeightsMissing`` when made.
    """

    def __init__(self, name: str, *, engine: Engine, side: int, maps: tuple[str, ...]) -> None:
        weights_path(_WEIGHTS)  # says so now if it is missing, whatever has been compiled before
        source = ModelGraph(
            _WEIGHTS, _WEIGHTS, shapes=(("photo", (2, 3, side, side)),), outputs=maps
        )
        self._graph = engine.load(source, exact=True)
        self.fingerprint = fingerprint(
            name,
            engine=engine.name,
            graph=source.digest[:16],
            precision=self._graph.precision,
            weights=weights(_WEIGHTS).sha256,
        )

    def of(self, square: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Each map, (2, D, h, w), of a picture (side, side, 3) as ``normalised`` and its mirror
        image."""
        both = np.stack([square, square[:, ::-1]]).transpose(0, 3, 1, 2)
        return list(self._graph.run({"photo": np.ascontiguousarray(both)}))


def normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels as the network was trained with them: grey is 0."""
    return (pixels.astype(np.float32) - np.float32(127)) / np.float32(128)
