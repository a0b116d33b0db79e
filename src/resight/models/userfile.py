"""A network that the user brings as an ONNX file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from resight.errors import ModelError


@dataclass(frozen=True)
class UserFile:
    """An ONNX file, what it wants and what it says about itself; a ``GraphSource``.

    Raises ``ModelError`` when it is asked and cannot be read.
    """

    path: Path

    @property
    def name(self) -> str:
        """What error messages call it."""
        return str(self.path)

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of the file."""
        return hashlib.sha256(self.content()).hexdigest()

    def content(self) -> bytes:
        """The file's bytes."""
        return self._bytes

    @cached_property
    def _bytes(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise ModelError(
                f"cannot read {self.path}: {error.strerror}; name an ONNX file"
            ) from error

    @cached_property
    def _model(self) -> Any:
        import onnx

        content = self.content()
        try:
            model = onnx.load_from_string(content)
        except Exception as error:  # protobuf's, which has no types here
            raise ModelError(f"{self.path} is no ONNX file; export the network as one") from error
        if not model.graph.input or not model.graph.output:
            raise ModelError(f"{self.path} is no ONNX file of a network; export it anew")
        return model

    @cached_property
    def inputs(self) -> list[str]:
        """Names, in the graph's order."""
        return [each.name for each in self._model.graph.input]

    @cached_property
    def outputs(self) -> list[str]:
        """Names, in the graph's order."""
        return [each.name for each in self._model.graph.output]

    @cached_property
    def dtype(self) -> Any:
        """NumPy's type of the first input: some exports take half precision."""
        import onnx

        return onnx.helper.tensor_dtype_to_np_dtype(
            self._model.graph.input[0].type.tensor_type.elem_type
        )

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Of the first input; 0 where any number will do."""
        sides = self._model.graph.input[0].type.tensor_type.shape.dim
        return tuple(side.dim_value for side in sides)

    @cached_property
    def said(self) -> dict[str, str]:
        """What the exporter wrote about it."""
        return {each.key: each.value for each in self._model.metadata_props}
