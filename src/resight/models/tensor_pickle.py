"""Interpret the pickle of a PyTorch checkpoint as descriptions of tensors, and no more.

A pickle is a program: Python's own unpickler imports and calls whatever it asks
for. The interpreter here has no such machinery. A *global* is only a word
compared with a short list, a *call* gives a description of a tensor, and an
opcode that tensors do not need is refused. Nothing is reserved on the word of a
length or an index in the file, so a small file cannot take much memory either.

The opcodes are those of ``pickletools`` in Python's library; what PyTorch
writes with them is in ``torch/serialization.py`` and ``torch/_utils.py``.
"""

from __future__ import annotations

import io
import pickle  # only for the names of its opcodes
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from resight.errors import UnsafeCheckpoint, WeightsCorrupt

BFLOAT16 = "bfloat16"
_STORAGES: Mapping[str, str] = {
    "torch.FloatStorage": "<f4",
    "torch.DoubleStorage": "<f8",
    "torch.HalfStorage": "<f2",
    "torch.BFloat16Storage": BFLOAT16,
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.ShortStorage": "<i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "?",
}
_TENSOR = "torch._utils._rebuild_tensor_v2"
_PARAMETER = "torch._utils._rebuild_parameter"
_ORDERED_DICT = "collections.OrderedDict"
_ALLOWED = frozenset({_TENSOR, _PARAMETER, _ORDERED_DICT, *_STORAGES})

_MOST_AXES = 16

# Opcodes that differ in one number only: the form of their argument, or how many they take.
_CONSTANTS = {pickle.NONE: None, pickle.NEWTRUE: True, pickle.NEWFALSE: False}
_NUMBERS = {
    pickle.BININT: "<i",
    pickle.BININT1: "<B",
    pickle.BININT2: "<H",
    pickle.BINFLOAT: ">d",
}
_STRINGS = {pickle.BINUNICODE: "<I", pickle.SHORT_BINUNICODE: "<B"}
_PUTS = {pickle.BINPUT: "<B", pickle.LONG_BINPUT: "<I"}
_GETS = {pickle.BINGET: "<B", pickle.LONG_BINGET: "<I"}
_TUPLES = {pickle.TUPLE1: 1, pickle.TUPLE2: 2, pickle.TUPLE3: 3}
_SKIPPED = {pickle.PROTO: 1, pickle.FRAME: 8}


@dataclass(frozen=True)
class _Global:
    """A name the pickle refers to. Nothing is imported for it."""

    name: str


@dataclass(frozen=True)
class Storage:
    """``count`` numbers kept under ``key``; ``kind`` is a NumPy dtype or ``BFLOAT16``."""

    key: str
    kind: str
    count: int

    @property
    def itemsize(self) -> int:
        return 2 if self.kind == BFLOAT16 else np.dtype(self.kind).itemsize

    @property
    def bytes(self) -> int:
        return self.count * self.itemsize


@dataclass(frozen=True)
class Tensor:
    """A view of a storage; ``offset`` and ``stride`` count elements. Not yet checked."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class TensorUnpickler:
    """Interprets one pickle; ``storages`` are those it names, by key.

    Knows what ``torch.save`` writes in protocols 2 to 4: dictionaries, lists,
    tuples, strings, numbers, and the globals in ``_ALLOWED``.
    """

    def __init__(self, stream: io.BytesIO) -> None:
        self.storages: dict[str, Storage] = {}
        self._stream = stream
        self._stack: list[Any] = []
        self._below_marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        while (code := self._take(1)) != pickle.STOP:
            if not (self._literal(code) or self._container(code) or self._call(code)):
                raise UnsafeCheckpoint(f"the pickle uses opcode {code!r}, which no tensor needs")
        return self._stack.pop()

    def _literal(self, code: bytes) -> bool:
        if code in _CONSTANTS:
            self._stack.append(_CONSTANTS[code])
        elif code in _NUMBERS:
            self._stack.append(self._number(_NUMBERS[code]))
        elif code == pickle.LONG1:
            digits = self._take(self._number("<B"))
            self._stack.append(int.from_bytes(digits, "little", signed=True))
        elif code in _STRINGS:
            text = self._take(self._number(_STRINGS[code]))
            self._stack.append(text.decode("utf-8"))
        elif code in _SKIPPED:
            self._take(_SKIPPED[code])
        else:
            return False
        return True

    def _container(self, code: bytes) -> bool:
        stack = self._stack
        if code == pickle.MARK:
            self._below_marks.append(stack)
            self._stack = []
        elif code in (pickle.EMPTY_DICT, pickle.EMPTY_LIST, pickle.EMPTY_TUPLE):
            stack.append({pickle.EMPTY_DICT: {}, pickle.EMPTY_LIST: []}.get(code, ()))
        elif code in _TUPLES:
            start = len(stack) - _TUPLES[code]
            if start < 0:
                raise WeightsCorrupt("the pickle takes more than there is")
            self._stack[start:] = [tuple(stack[start:])]
        elif code == pickle.TUPLE:
            items = self._since_mark()
            self._stack.append(tuple(items))
        elif code in (pickle.SETITEM, pickle.SETITEMS):
            items = [stack.pop(-2), stack.pop()] if code == pickle.SETITEM else self._since_mark()
            self._set_items(items)
        elif code in (pickle.APPEND, pickle.APPENDS):
            items = [stack.pop()] if code == pickle.APPEND else self._since_mark()
            expect(self._stack[-1], list).extend(items)
        elif code in _PUTS:
            self._memo[self._number(_PUTS[code])] = stack[-1]
        elif code == pickle.MEMOIZE:
            self._memo[len(self._memo)] = stack[-1]
        elif code in _GETS:
            stack.append(self._memo[self._number(_GETS[code])])
        else:
            return False
        return True

    def _call(self, code: bytes) -> bool:
        stack = self._stack
        if code in (pickle.GLOBAL, pickle.INST):
            module, name = self._stream.readline(), self._stream.readline()
            stack.append(_allowed(module.strip().decode("utf-8"), name.strip().decode("utf-8")))
            return code == pickle.GLOBAL
        if code == pickle.STACK_GLOBAL:
            name, module = expect(stack.pop(), str), expect(stack.pop(), str)
            stack.append(_allowed(module, name))
        elif code == pickle.REDUCE:
            arguments = expect(stack.pop(), tuple)
            stack.append(_build(expect(stack.pop(), _Global).name, arguments))
        elif code == pickle.BUILD:
            stack.pop()  # the layers' version numbers that a state dict carries
            expect(stack[-1], dict)
        elif code == pickle.BINPERSID:
            stack.append(self._storage(expect(stack.pop(), tuple)))
        else:
            return False
        return True

    def _take(self, count: int) -> bytes:
        taken = self._stream.read(count)
        if len(taken) < count:
            raise WeightsCorrupt("the pickle is cut short or longer than resight accepts")
        return taken

    def _number(self, form: str) -> Any:
        (value,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return value

    def _since_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._below_marks.pop()
        return items

    def _set_items(self, items: list[Any]) -> None:
        target = expect(self._stack[-1], dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Nothing else is hashed: a deeply nested tuple would exhaust the C stack,
            # and huge integers can be chosen to collide.
            target[key if type(key) is str else _natural(key)] = value

    def _storage(self, persistent_id: tuple[Any, ...]) -> Storage:
        # ("storage", type, key, device it lay on, count), in the old format also a view or None
        if persistent_id[0] != "storage" or persistent_id[5:] not in ((), (None,)):
            raise WeightsCorrupt("a persistent id that is no whole storage")
        kind = _STORAGES[expect(persistent_id[1], _Global).name]
        storage = Storage(expect(persistent_id[2], str), kind, _natural(persistent_id[4]))
        if self.storages.setdefault(storage.key, storage) != storage:
            raise WeightsCorrupt(f"storage {storage.key} is announced in two ways")
        return storage


def expect(value: Any, kind: type[Any]) -> Any:
    """The value, if it is exactly of that type; ``WeightsCorrupt`` otherwise."""
    if type(value) is not kind:
        raise WeightsCorrupt(f"expected {kind.__name__}, got {type(value).__name__}")
    return value


def _natural(value: Any) -> int:
    # 2**48 elements are beyond any file, and products of such numbers stay small.
    if type(value) is not int or not 0 <= value < 2**48:
        raise WeightsCorrupt("a size, stride, offset or key is no natural number")
    return value


def _allowed(module: str, name: str) -> _Global:
    full = f"{module}.{name}"
    if full not in _ALLOWED:
        raise UnsafeCheckpoint(f"the pickle asks for {full[:100]!r}, which is no tensor")
    return _Global(full)


def _build(name: str, arguments: tuple[Any, ...]) -> object:
    if name == _ORDERED_DICT and not arguments:
        return {}
    if name == _PARAMETER and len(arguments) == 3:
        return expect(arguments[0], Tensor)
    if name == _TENSOR and len(arguments) in (6, 7):
        storage, offset, size, stride = arguments[:4]
        if not len(expect(size, tuple)) == len(expect(stride, tuple)) <= _MOST_AXES:
            raise WeightsCorrupt("a tensor's size and strides do not fit each other")
        return Tensor(
            expect(storage, Storage),
            _natural(offset),
            tuple(_natural(n) for n in size),
            tuple(_natural(n) for n in stride),
        )
    raise WeightsCorrupt(f"{name} is called with {len(arguments)} arguments")
