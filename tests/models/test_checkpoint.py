"""The checkpoint reader, on files written here opcode by opcode, without PyTorch."""

from __future__ import annotations

import copy
import copyreg
import os
import pickle
import struct
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from resight.errors import ModelError, UnsafeCheckpoint, WeightsCorrupt, WeightsMissing
from resight.models import read_checkpoint

# --- A small assembler for pickles -----------------------------------------------------------


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    digits = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(digits)]) + digits


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def tuple_of(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def dictionary(items: Mapping[str, bytes]) -> bytes:
    """An ``OrderedDict`` with the ``_metadata`` that PyTorch's state dicts carry."""
    pairs = b"".join(text(key) + value for key, value in items.items())
    metadata = b"}" + text("_metadata") + b"}s"
    return named("collections", "OrderedDict") + b")R(" + pairs + b"u" + metadata + b"b"


def storage(key: str, kind: str, count: int, *view: bytes) -> bytes:
    words = (text("storage"), named("torch", kind), text(key), text("cpu"), number(count))
    return tuple_of(*words, *view) + b"Q"


def rebuilt(
    stored: bytes, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0
) -> bytes:
    arguments = tuple_of(
        stored,
        number(offset),
        tuple_of(*map(number, size)),
        tuple_of(*map(number, stride)),
        b"\x89",
        named("collections", "OrderedDict") + b")R",
    )
    return named("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"


def floats(
    key: str, count: int, size: tuple[int, ...], stride: tuple[int, ...], at: int = 0
) -> bytes:
    return rebuilt(storage(key, "FloatStorage", count), size, stride, at)


def program(content: bytes) -> bytes:
    return b"\x80\x02" + content + b"."


def write_zip(
    path: Path,
    pickled: bytes,
    storages: Mapping[str, bytes],
    *,
    byteorder: bytes = b"little",
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("net/data.pkl", pickled)
        archive.writestr("net/byteorder", byteorder)
        for key, content in storages.items():
            archive.writestr(f"net/data/{key}", content)
        archive.writestr("net/version", b"3\n")
    return path


def write_stream(
    path: Path, content: bytes, storages: Mapping[str, bytes], *, little_endian: bool = True
) -> Path:
    """The older layout; 4-byte elements only."""
    system = {"protocol_version": 1001, "little_endian": little_endian, "type_sizes": {"int": 4}}
    parts = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, system)]
    parts += [program(content), pickle.dumps(list(storages), 2)]
    for data in storages.values():
        parts += [struct.pack("<q", len(data) // 4), data]
    path.write_bytes(b"".join(parts))
    return path


RAMP = np.arange(6, dtype="<f4").tobytes()
GOOD = {"w": floats("0", 6, (2, 3), (3, 1)), "b": floats("1", 2, (2,), (1,))}
GOOD_STORAGES = {"0": RAMP, "1": np.array([7, 8], "<f4").tobytes()}


def written(tmp_path: Path, content: bytes, storages: Mapping[str, bytes] = GOOD_STORAGES) -> Path:
    return write_zip(tmp_path / "net.pth", program(content), storages)


# --- What is read --------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["zip", "stream"])
def test_both_layouts_give_names_and_numbers_in_order(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "net.pth"
    if layout == "zip":
        write_zip(path, program(dictionary(GOOD)), GOOD_STORAGES)
    else:
        write_stream(path, dictionary(GOOD), GOOD_STORAGES)
    arrays = read_checkpoint(path)
    assert list(arrays) == ["w", "b"]
    np.testing.assert_array_equal(arrays["w"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(arrays["b"], [7, 8])
    assert arrays["w"].dtype == np.float32


def test_arrays_are_read_only(tmp_path: Path) -> None:
    content = {"as stored": GOOD["w"], "transposed": floats("0", 6, (3, 2), (1, 3))}
    for array in read_checkpoint(written(tmp_path, dictionary(content))).values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize(
    ("kind", "stored", "dtype"),
    [
        ("FloatStorage", np.array([-1.5, 3], "<f4"), np.float32),
        ("DoubleStorage", np.array([-1.5, 3], "<f8"), np.float64),
        ("HalfStorage", np.array([-1.5, 3], "<f2"), np.float16),
        ("LongStorage", np.array([-1, 2**40], "<i8"), np.int64),
        ("IntStorage", np.array([-1, 2**30], "<i4"), np.int32),
        ("ShortStorage", np.array([-1, 300], "<i2"), np.int16),
        ("CharStorage", np.array([-1, 100], "i1"), np.int8),
        ("ByteStorage", np.array([1, 255], "u1"), np.uint8),
        ("BoolStorage", np.array([True, False]), np.bool_),
    ],
)
def test_dtypes_are_kept(tmp_path: Path, kind: str, stored: NDArray[Any], dtype: type) -> None:
    content = dictionary({"x": rebuilt(storage("0", kind, 2), (2,), (1,))})
    array = read_checkpoint(written(tmp_path, content, {"0": stored.tobytes()}))["x"]
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, stored)


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    # 0x3FC0 and 0xC040 are the upper halves of the float32 numbers 1.5 and -3.
    content = dictionary({"x": rebuilt(storage("0", "BFloat16Storage", 2), (2,), (1,))})
    stored = struct.pack("<2H", 0x3FC0, 0xC040)
    array = read_checkpoint(written(tmp_path, content, {"0": stored}))["x"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, [1.5, -3])


@pytest.mark.parametrize(
    ("size", "stride", "at", "expected"),
    [
        ((3, 2), (1, 3), 0, [[0, 3], [1, 4], [2, 5]]),  # transposed
        ((2,), (2,), 1, [1, 3]),
        ((), (), 4, 4),
        ((1, 2), (99, 1), 4, [[4, 5]]),  # the stride of a single row does not matter
        ((0, 3), (3, 1), 6, np.zeros((0, 3))),
        ((3,), (0,), 5, [5, 5, 5]),  # expanded
    ],
)
def test_strides_and_offsets(
    tmp_path: Path, size: tuple[int, ...], stride: tuple[int, ...], at: int, expected: Any
) -> None:
    content = dictionary({"x": floats("0", 6, size, stride, at)})
    array = read_checkpoint(written(tmp_path, content, {"0": RAMP}))["x"]
    np.testing.assert_array_equal(array, expected)
    assert array.shape == np.shape(expected)
    assert array.flags.c_contiguous


def test_tied_weights_are_one_array(tmp_path: Path) -> None:
    arrays = read_checkpoint(written(tmp_path, dictionary({"a": GOOD["w"], "b": GOOD["w"]})))
    assert arrays["a"] is arrays["b"]


def test_nested_dictionaries_become_dotted_names_and_other_values_are_left_out(
    tmp_path: Path,
) -> None:
    content = dictionary(
        {
            "net": dictionary({"layer.w": GOOD["w"]}),
            "epoch": number(3),
            "rate": b"G" + struct.pack(">d", 0.1),
            "names": b"](" + text("a") + b"e",
            "nothing": b"N",
        }
    )
    assert list(read_checkpoint(written(tmp_path, content))) == ["net.layer.w"]


def test_a_parameter_is_its_tensor(tmp_path: Path) -> None:
    hooks = named("collections", "OrderedDict") + b")R"
    parameter = named("torch._utils", "_rebuild_parameter") + tuple_of(GOOD["w"], b"\x88", hooks)
    arrays = read_checkpoint(written(tmp_path, dictionary({"p": parameter + b"R"})))
    assert arrays["p"].shape == (2, 3)


def test_an_empty_state_dict_gives_no_arrays(tmp_path: Path) -> None:
    assert read_checkpoint(written(tmp_path, dictionary({}), {})) == {}


@pytest.mark.torch
@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
def test_files_of_pytorch_itself(tmp_path: Path, is_zip: bool, protocol: int) -> None:
    torch = pytest.importorskip("torch")
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    state = {
        "base": base,
        "transposed": base.permute(2, 0, 1),
        "part": base[1, :, 1:3],
        "half": base.to(torch.float16),
        "brain": base.to(torch.bfloat16),
        "count": torch.tensor(7),
        "mask": base > 3,
        "empty": torch.zeros(0, 5),
        "parameter": torch.nn.Parameter(base),
        "layers": torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict(),
    }
    path = tmp_path / "net.pth"
    torch.save(state, path, pickle_protocol=protocol, _use_new_zipfile_serialization=is_zip)
    arrays = read_checkpoint(path)
    layers = state.pop("layers")
    expected = {**state, **{f"layers.{name}": value for name, value in layers.items()}}
    assert list(arrays) == list(expected)
    for name, tensor in expected.items():
        value = tensor.detach()
        numbers = value.float().numpy() if value.dtype == torch.bfloat16 else value.numpy()
        assert arrays[name].dtype == numbers.dtype, name
        np.testing.assert_array_equal(arrays[name], numbers, err_msg=name)


# --- What is refused: programs -------------------------------------------------------------


class Runs:
    """Pickles as a call of a function with arguments, the classical attack."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def marker_command(tmp_path: Path) -> tuple[Path, str]:
    marker = tmp_path / "ran"
    return marker, f'{sys.executable} -c \'open("{marker}", "w")\''


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("layout", ["zip", "stream"])
@pytest.mark.parametrize("attack", ["system", "eval", "exec", "nested", "getattr", "popen"])
def test_no_call_is_ever_made(tmp_path: Path, attack: str, layout: str, protocol: int) -> None:
    marker, command = marker_command(tmp_path)
    code = f"open({str(marker)!r}, 'w')"
    harmful: Any = {
        "system": Runs(os.system, command),
        "eval": Runs(eval, code),
        "exec": Runs(exec, code),
        "nested": {"net": {"layer": [({"w": Runs(os.system, command)},)]}},
        "getattr": Runs(getattr, Runs(__import__, "os"), "system"),
        "popen": Runs(os.popen, command),
    }[attack]
    pickled = pickle.dumps(harmful, protocol)
    if attack == "system":  # the attack is a working one: Python's own unpickler falls for it
        pickle.loads(pickled)
        assert marker.exists()
        marker.unlink()
    path = tmp_path / "net.pth"
    if layout == "zip":
        write_zip(path, pickled, {})
    else:
        path.write_bytes(pickled)
    with pytest.raises(UnsafeCheckpoint):
        read_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (named("os", "system") + tuple_of(text("true")) + b"R", "os.system"),
        (named("torch.os", "system"), "torch.os.system"),
        (named("torch._utils", "_rebuild_tensor_v2.__globals__"), "__globals__"),
        (named("torch", "_utils.sys.modules"), "torch._utils.sys.modules"),
        (text("torch") + text("serialization.os.system") + b"\x93", "serialization.os.system"),
        (text("builtins") + text("eval") + b"\x93", "builtins.eval"),
        (b"(" + text("true") + b"ios\nsystem\n", "os.system"),
        (b"(icollections\nOrderedDict\n", "opcode b'i'"),
        (b"(" + named("collections", "OrderedDict") + b"o", "opcode b'o'"),
        (named("collections", "OrderedDict") + b")\x81", r"opcode b'\\x81'"),
        (b"\x82\x01", r"opcode b'\\x82'"),  # EXT1, a number registered for a global
        (b"\x83\x01\x00", r"opcode b'\\x83'"),
        (b"\x84\x01\x00\x00\x00", r"opcode b'\\x84'"),
        (b"P0\n", "opcode b'P'"),
        (named("torch", "load"), "torch.load"),
        (named("numpy", "ndarray"), "numpy.ndarray"),
    ],
)
def test_an_unknown_global_or_opcode_is_named(tmp_path: Path, content: bytes, word: str) -> None:
    path = written(tmp_path, dictionary({"x": content}))
    with pytest.raises(UnsafeCheckpoint, match=word) as info:
        read_checkpoint(path)
    assert str(path) in str(info.value)
    assert "do not use this file" in str(info.value)


def test_a_registered_extension_number_is_not_looked_up(tmp_path: Path) -> None:
    marker, command = marker_command(tmp_path)
    copyreg.add_extension("os", "system", 240)
    try:
        with pytest.raises(UnsafeCheckpoint):
            read_checkpoint(written(tmp_path, b"\x82\xf0" + tuple_of(text(command)) + b"R"))
    finally:
        copyreg.remove_extension("os", "system", 240)
    assert not marker.exists()


REBUILD = named("torch._utils", "_rebuild_tensor_v2")
ORDERED_DICT = named("collections", "OrderedDict")


@pytest.mark.parametrize(
    "content",
    [
        REBUILD + b")R",
        REBUILD + tuple_of(text("os"), number(0), b")", b")", b"\x89", b"N") + b"R",
        REBUILD
        + tuple_of(storage("0", "FloatStorage", 6), text("x"), b")", b")", b"N", b"N")
        + b"R",
        REBUILD + b"}R",
        ORDERED_DICT + tuple_of(b"](" + b"e") + b"R",
        named("torch", "FloatStorage") + tuple_of(number(9)) + b"R",
        text("eval") + tuple_of(text("1")) + b"R",
        REBUILD + b"}" + text("__defaults__") + b")sb",  # would change a real function
        ORDERED_DICT + b"}b",
        REBUILD + text("x") + text("y") + b"s",
        GOOD["w"] + text("0") + text("y") + b"s",
        GOOD["w"] + number(1) + b"a",
        named("torch._utils", "_rebuild_parameter") + tuple_of(text("x"), b"N", b"N") + b"R",
        tuple_of(text("module"), text("x"), text("0"), text("cpu"), number(6)) + b"Q",
        tuple_of(text("storage"), REBUILD, text("0"), text("cpu"), number(6)) + b"Q",
        storage("0", "FloatStorage", 6, tuple_of(text("view"))),
        text("0") + b"Q",
        b")Q",
    ],
)
def test_allowed_names_used_wrongly_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(WeightsCorrupt, match="fetch the file again"):
        read_checkpoint(written(tmp_path, dictionary({"x": content})))


# --- What is refused: sizes ----------------------------------------------------------------

HUGE = 2**40
BIGGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("size", "stride", "at"),
    [
        ((7,), (1,), 0),
        ((6,), (1,), 1),
        ((2, 3), (4, 1), 0),
        ((2,), (-1,), 1),
        ((1,), (1,), -1),
        ((-1,), (1,), 0),
        ((1,), (1,), 6),
        ((HUGE, HUGE), (0, 0), 0),
        ((HUGE,), (0,), 0),
        ((2,), (BIGGEST,), 0),
        ((BIGGEST, BIGGEST), (1, 1), 0),
        ((0, BIGGEST), (1, 1), 0),
        ((0, 2**47, 2**47), (1, 1, 1), 0),
        ((2, 3), (1,), 0),
        ((1,) * 100, (1,) * 100, 0),
    ],
)
def test_a_tensor_cannot_reach_beyond_its_storage(
    tmp_path: Path, size: tuple[int, ...], stride: tuple[int, ...], at: int
) -> None:
    content = dictionary({"x": floats("0", 6, size, stride, at)})
    path = written(tmp_path, content, {"0": RAMP})
    with pytest.raises(WeightsCorrupt):
        read_checkpoint(path)


@pytest.mark.parametrize("layout", ["zip", "stream"])
@pytest.mark.parametrize("count", [5, 7, HUGE, 2**62, -1])
def test_a_storage_has_the_announced_length(tmp_path: Path, layout: str, count: int) -> None:
    content = dictionary({"x": floats("0", count, (1,), (1,))})
    path = tmp_path / "net.pth"
    if layout == "zip":
        write_zip(path, program(content), {"0": RAMP})
    else:
        write_stream(path, content, {"0": RAMP})
    with pytest.raises(WeightsCorrupt):
        read_checkpoint(path)


def test_many_names_for_one_record_take_no_more_than_the_file(tmp_path: Path) -> None:
    content = dictionary({f"x{i}": floats(str(i), 2**16, (9,), (1,)) for i in range(100)})
    path = written(tmp_path, content, {"0": bytes(2**18)})
    with zipfile.ZipFile(path, "a") as archive:
        record = archive.getinfo("net/data/0")
        for i in range(1, 100):
            twin = copy.copy(record)
            twin.filename = f"net/data/{i}"
            archive.filelist.append(twin)
        archive.comment = b"rewrites the list of contents"
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("net/data/99").file_size == 2**18
    with pytest.raises(WeightsCorrupt, match="longer than the file"):
        read_checkpoint(path)


def test_one_storage_cannot_be_announced_in_two_ways(tmp_path: Path) -> None:
    as_ints = rebuilt(storage("0", "IntStorage", 6), (6,), (1,))
    content = dictionary({"a": GOOD["w"], "b": as_ints})
    with pytest.raises(WeightsCorrupt, match="announced in two ways"):
        read_checkpoint(written(tmp_path, content))


def many_overlapping() -> bytes:
    # Each a transposed view, so each would be a copy of its own: 4000 x 1 MB.
    views = {f"v{i}": floats("0", 2**18, (500, 500), (1, 500), i) for i in range(4000)}
    return dictionary(views)


def long_names() -> bytes:
    inner = b"}(" + b"".join(text(str(i)) + b"h\x01" for i in range(10_000)) + b"u"
    tensor = GOOD["b"] + b"q\x01"
    return b"}(" + text("t") + tensor + text("x" * 2**20) + inner + b"u"


def many_axes() -> bytes:
    axes = b"(" + b"K\x02" * 50_000 + b"tq\x01"
    stored = storage("1", "FloatStorage", 2)
    one = REBUILD + tuple_of(stored, number(0), axes, b"h\x01", b"\x89", b"N") + b"R"
    return b"}" + text("x") + one + b"s"


@pytest.mark.parametrize(
    ("content", "storages"),
    [
        (long_names(), GOOD_STORAGES),
        (many_axes(), GOOD_STORAGES),
        (many_overlapping(), {"0": bytes(2**20)}),
        (b"}" * (3 * 2**20), {}),
        (b"}r\xff\xff\xff\xffN", {}),  # a memo of 4 billion places
        (b"X\xff\xff\xff\x7fshort", {}),
        (b"B\xff\xff\xff\x7f", {}),
        (b"\x96" + struct.pack("<Q", 2**40), {}),  # BYTEARRAY8
        (b"\x8b\xff\xff\xff\x7f", {}),  # LONG4
        (b"\x95" + struct.pack("<Q", 2**40), {}),  # FRAME
    ],
    ids=[
        "names",
        "axes",
        "copies",
        "pickle",
        "memo",
        "string",
        "bytes",
        "bytearray",
        "long",
        "frame",
    ],
)
def test_a_small_file_cannot_take_much_memory(
    tmp_path: Path, content: bytes, storages: Mapping[str, bytes]
) -> None:
    path = written(tmp_path, content, storages)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError):
            read_checkpoint(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * 2**20


def test_dictionaries_that_hold_each_other_are_refused(tmp_path: Path) -> None:
    itself = b"}q\x01" + text("me") + b"h\x01s"
    with pytest.raises(WeightsCorrupt, match="hold each other"):
        read_checkpoint(written(tmp_path, itself))
    nested = GOOD["w"]
    for _ in range(2000):
        nested = b"}" + text("a") + nested + b"s"
    with pytest.raises(WeightsCorrupt, match="too deeply"):
        read_checkpoint(written(tmp_path, nested))


def test_only_words_and_small_numbers_are_keys(tmp_path: Path) -> None:
    deep = b")" + b"\x85" * 500_000  # hashing this tuple would exhaust the C stack
    with pytest.raises(WeightsCorrupt, match="natural number"):
        read_checkpoint(written(tmp_path, b"}" + deep + b"Ns"))
    path = write_stream(tmp_path / "net.pth", dictionary({}), {})
    end = len(pickle.dumps([], 2))
    path.write_bytes(path.read_bytes()[:-end] + program(b"](" + deep + b"e"))
    with pytest.raises(WeightsCorrupt, match="expected str, got tuple"):
        read_checkpoint(path)


def test_two_tensors_of_one_name_are_refused(tmp_path: Path) -> None:
    content = dictionary({"a.b": GOOD["w"], "a": dictionary({"b": GOOD["b"]})})
    with pytest.raises(WeightsCorrupt, match=r"two tensors are called a\.b"):
        read_checkpoint(written(tmp_path, content))


# --- What is refused: files ----------------------------------------------------------------


def test_a_compressed_record_is_refused(tmp_path: Path) -> None:
    content = program(dictionary(GOOD))
    path = write_zip(tmp_path / "net.pth", content, GOOD_STORAGES, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsCorrupt, match="compressed"):
        read_checkpoint(path)


def test_a_big_endian_file_is_refused(tmp_path: Path) -> None:
    content = dictionary(GOOD)
    new = write_zip(tmp_path / "new.pth", program(content), GOOD_STORAGES, byteorder=b"big")
    old = write_stream(tmp_path / "old.pth", content, GOOD_STORAGES, little_endian=False)
    for path in (new, old):
        with pytest.raises(ModelError, match="big-endian"):
            read_checkpoint(path)


def test_a_missing_storage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="data/1"):
        read_checkpoint(written(tmp_path, dictionary(GOOD), {"0": RAMP}))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello world", b"<html>Not Found</html>"])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"net\.pth"):
        read_checkpoint(path)


def test_a_path_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="no such file"):
        read_checkpoint(tmp_path / "net.pth")
    with pytest.raises(WeightsCorrupt, match="directory"):
        read_checkpoint(tmp_path)


def test_a_file_that_is_not_a_dictionary_of_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="expected dict, got Tensor"):
        read_checkpoint(written(tmp_path, GOOD["w"]))


@pytest.mark.parametrize("layout", ["zip", "stream"])
def test_every_truncation_is_noticed(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "net.pth"
    if layout == "zip":
        write_zip(path, program(dictionary(GOOD)), GOOD_STORAGES)
    else:
        write_stream(path, dictionary(GOOD), GOOD_STORAGES)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            read_checkpoint(path)


def damaged(whole: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    changed = bytearray(whole)
    for position, new in edits:
        at = position % len(changed)
        changed[at : at + len(new)] = new
    return bytes(changed)


EDITS = st.lists(
    st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4
)


@pytest.mark.parametrize("layout", ["zip", "stream", "pickle in zip"])
@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(edits=EDITS)
def test_damage_raises_nothing_but_model_errors(
    tmp_path: Path, layout: str, edits: list[tuple[int, bytes]]
) -> None:
    path = tmp_path / "net.pth"
    if layout == "pickle in zip":  # so that the archive's checksums are right
        write_zip(path, damaged(program(dictionary(GOOD)), edits), GOOD_STORAGES)
    else:
        if layout == "zip":
            write_zip(path, program(dictionary(GOOD)), GOOD_STORAGES)
        else:
            write_stream(path, dictionary(GOOD), GOOD_STORAGES)
        path.write_bytes(damaged(path.read_bytes(), edits))
    try:
        arrays = read_checkpoint(path)
    except ModelError:
        return
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
