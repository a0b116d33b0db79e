"""Read the tensors of a PyTorch checkpoint without PyTorch and without running it.

A ``.pth`` file is raw tensors plus a pickle that names them, which is not
unpickled but interpreted (``tensor_pickle.py``). Two layouts are in use
(``torch/serialization.py`` of PyTorch): a zip archive with ``data.pkl`` and one
raw record for each storage, since version 1.6; and before that one stream of
five pickles followed by the storages.
"""

from __future__ import annotations

import io
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from resight.errors import ModelError, UnsafeCheckpoint, WeightsCorrupt, WeightsMissing
from resight.models.tensor_pickle import BFLOAT16, Storage, Tensor, TensorUnpickler, expect

#: Some 12 000 tensors. Bounds time and memory, as one byte can ask for a whole dictionary.
PICKLE_LIMIT = 2 * 2**20
DEPTH_LIMIT = 8
NAME_LIMIT = 1000
#: How many times the file's size the tensors may take (tied weights are stored once).
SHARING_LIMIT = 4

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001

# What malformed bytes make the interpreter, struct, zipfile or NumPy raise.
_MALFORMED = (
    ArithmeticError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
)


def read_checkpoint(path: Path) -> dict[str, NDArray[Any]]:
    """Every tensor of a checkpoint by name, as read-only arrays.

    Nested dictionaries become dotted names (``{"extractor": {"w": …}}`` gives
    ``extractor.w``); values that are no tensors are left out. dtypes are kept,
    but bfloat16, which NumPy lacks, becomes float32 without loss.

    Raises ``UnsafeCheckpoint`` if the pickle names anything but tensors,
    ``WeightsCorrupt`` if the bytes contradict themselves, ``ModelError`` for a
    file of a big-endian machine and ``WeightsMissing`` if there is no file.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            is_zip = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            try:
                content, buffers = _read_zip(file, size) if is_zip else _read_legacy(file, size)
                return _arrays(_flatten(content), buffers, size)
            except _MALFORMED as error:
                reason = str(error) or type(error).__name__
                raise WeightsCorrupt(f"not a readable checkpoint ({reason})") from error
    except UnsafeCheckpoint as error:
        raise UnsafeCheckpoint(f"{path}: {_short(error)}; do not use this file") from None
    except WeightsCorrupt as error:
        raise WeightsCorrupt(f"{path}: {_short(error)}; fetch the file again") from error.__cause__
    except ModelError as error:
        raise ModelError(f"{path}: {_short(error)}") from None
    except FileNotFoundError:
        raise WeightsMissing(f"{path}: there is no such file") from None
    except OSError as error:
        raise WeightsCorrupt(f"{path}: cannot be read: {error.strerror}") from error


def _short(error: Exception) -> str:
    return str(error)[:200]  # it may quote the file, which says what it likes


def _read_zip(file: BinaryIO, size: int) -> tuple[object, dict[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        roots = [n[: -len("data.pkl")] for n in archive.namelist() if n.endswith("/data.pkl")]
        if len(roots) != 1:
            raise WeightsCorrupt(f"the archive holds {len(roots)} data.pkl, expected one")
        root = roots[0]
        order = root + "byteorder"
        if order in archive.namelist() and _record(archive, order, 16).strip() != b"little":
            raise ModelError("written on a big-endian machine, which resight does not read")
        unpickler = TensorUnpickler(io.BytesIO(_record(archive, root + "data.pkl", PICKLE_LIMIT)))
        content = unpickler.load()
        if sum(storage.bytes for storage in unpickler.storages.values()) > size:
            raise WeightsCorrupt("its storages are longer than the file")
        buffers = {}
        for storage in unpickler.storages.values():
            record = f"{root}data/{storage.key}"
            buffers[storage.key] = _record(archive, record, storage.bytes)
        return content, buffers


def _record(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """One record of the archive, its checksum verified by ``zipfile``."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:
        raise WeightsCorrupt(f"record {name} is compressed, which checkpoints never are")
    if info.file_size > limit:
        raise WeightsCorrupt(f"record {name} has {info.file_size} bytes, expected at most {limit}")
    return archive.read(info)


def _read_legacy(file: BinaryIO, size: int) -> tuple[object, dict[str, bytes]]:
    head = io.BytesIO(file.read(PICKLE_LIMIT))
    if TensorUnpickler(head).load() != _LEGACY_MAGIC:
        raise WeightsCorrupt("neither of PyTorch's two checkpoint formats")
    if TensorUnpickler(head).load() != _LEGACY_VERSION:
        raise WeightsCorrupt("an unknown version of PyTorch's older checkpoint format")
    system = TensorUnpickler(head).load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ModelError("written on a big-endian machine, which resight does not read")
    unpickler = TensorUnpickler(head)
    content = unpickler.load()
    keys = TensorUnpickler(head).load()
    if not isinstance(keys, list):
        raise WeightsCorrupt("the list of storages is missing")
    file.seek(head.tell())
    buffers = {}
    for key in keys:
        storage = unpickler.storages[expect(key, str)]
        (count,) = struct.unpack("<q", file.read(8))
        if count != storage.count or storage.bytes > size - file.tell():
            raise WeightsCorrupt(f"storage {key} is cut short or of another length than announced")
        buffers[storage.key] = file.read(storage.bytes)
    return content, buffers


def _flatten(content: object) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()

    def visit(prefix: str, branch: dict[Any, Any], depth: int) -> None:
        # Once each: dictionaries holding each other could otherwise spell endless names.
        if depth > DEPTH_LIMIT or id(branch) in seen:
            raise WeightsCorrupt("its dictionaries are nested too deeply or hold each other")
        seen.add(id(branch))
        for key, value in branch.items():
            name = f"{prefix}{key}"
            if len(name) > NAME_LIMIT:  # thousands of tensors could share one endless prefix
                raise WeightsCorrupt(f"a name is longer than {NAME_LIMIT} characters")
            if isinstance(value, dict):
                visit(f"{name}.", value, depth + 1)
            elif isinstance(value, Tensor):
                if name in tensors:
                    raise WeightsCorrupt(f"two tensors are called {name}")
                tensors[name] = value

    visit("", expect(content, dict), 1)
    return tensors


def _arrays(
    tensors: Mapping[str, Tensor], buffers: Mapping[str, bytes], size: int
) -> dict[str, NDArray[Any]]:
    distinct = set(tensors.values())
    if sum(_checked_bytes(tensor) for tensor in distinct) > SHARING_LIMIT * size:
        raise WeightsCorrupt("it describes more numbers than it holds")
    storages: dict[str, NDArray[Any]] = {}
    for tensor in distinct:
        storage = tensor.storage
        if storage.key not in storages:
            storages[storage.key] = _values(storage, buffers[storage.key])
    arrays = {tensor: _strided(tensor, storages[tensor.storage.key]) for tensor in distinct}
    return {name: arrays[tensor] for name, tensor in tensors.items()}


def _checked_bytes(tensor: Tensor) -> int:
    """Size of the tensor, once it is certain that it lies inside its storage."""
    count = math.prod(tensor.size)
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.size, tensor.stride, strict=True))
    if count > tensor.storage.count or (count and last >= tensor.storage.count):
        raise WeightsCorrupt(f"a tensor reaches beyond its storage {tensor.storage.key}")
    return count * tensor.storage.itemsize


def _values(storage: Storage, buffer: bytes) -> NDArray[Any]:
    """The storage's numbers, (count,), read-only because ``bytes`` are."""
    if len(buffer) != storage.bytes:
        raise WeightsCorrupt(
            f"storage {storage.key} has {len(buffer)} bytes, expected {storage.bytes}"
        )
    if storage.kind == BFLOAT16:  # the upper half of a float32
        widened = np.frombuffer(buffer, "<u2").astype(np.uint32) << np.uint32(16)
        return widened.view(np.float32)
    if storage.kind == "?":
        return np.frombuffer(buffer, np.uint8).astype(np.bool_)
    return np.frombuffer(buffer, storage.kind)


def _strided(tensor: Tensor, values: NDArray[Any]) -> NDArray[Any]:
    """The tensor as a C-contiguous array; bounds were checked by ``_checked_bytes``."""
    if 0 in tensor.size:
        array = np.empty(tensor.size, values.dtype)
    else:
        steps = [
            s * values.itemsize if n > 1 else 0
            for n, s in zip(tensor.size, tensor.stride, strict=True)
        ]
        view = np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.size, steps)
        array = np.ascontiguousarray(view).reshape(tensor.size)
    array.flags.writeable = False
    return array
