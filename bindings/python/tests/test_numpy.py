# SPDX-License-Identifier: Apache-2.0
"""dcf_codec.numpy: what is saved comes back, whatever its type, shape and layout."""

from __future__ import annotations

import io
import mmap
import pathlib
import subprocess
import sys
import textwrap

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dcf_codec
from dcf_codec import Encoding, Writer, safe_open
from dcf_codec.errors import DcfError, FileStructureError
from dcf_codec.numpy import load, load_file, save, save_file

DTYPES = [np.dtype(t) for t in "<f8 <f4 <f2 <i8 <i4 <i2 i1 <u8 <u4 <u2 u1 ? <c8".split()]
EXTENSIONS = [
    np.dtype(getattr(ml_dtypes, name))
    for name in (
        "bfloat16",
        "float8_e4m3fn",
        "float8_e5m2",
        "float8_e8m0fnu",
        "float8_e4m3fnuz",
        "float8_e5m2fnuz",
    )
]


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal in type, shape and every bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


names = st.text(max_size=12).filter(lambda name: "\0" not in name)
texts = st.text(max_size=20)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    dtype = draw(st.sampled_from(DTYPES + EXTENSIONS))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6))
    count = int(np.prod(shape, dtype=int)) * dtype.itemsize
    # Few distinct bytes make palettes, zeros make sparse tensors.
    alphabet = draw(st.sampled_from([[0], [0, 1], [0, 0, 0, 60], list(range(256))]))
    if dtype == np.bool_:
        alphabet = [0, 1]
    seed = draw(st.integers(0, 2**32 - 1))
    data = np.random.default_rng(seed).choice(np.array(alphabet, np.uint8), count)
    array = np.frombuffer(data.tobytes(), dtype).reshape(shape)
    return np.asfortranarray(array) if draw(st.booleans()) else array


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(names, arrays(), max_size=5), st.dictionaries(texts, texts, max_size=3))
def test_every_bit_comes_back(model: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    data = save(model, metadata)
    back = load(data)
    assert back.keys() == model.keys()
    for name, array in model.items():
        assert same(back[name], array), name
    with safe_open(data) as f:
        assert (f.metadata() or {}) == metadata
        assert f.keys() == sorted(model, key=lambda name: name.encode())
        for name, array in model.items():
            assert f.get_shape(name) == list(array.shape)
            assert same(f.get_tensor(name), array)


index = st.one_of(st.integers(-9, 9), st.slices(9), st.just(Ellipsis))


@settings(max_examples=200, deadline=None)
@given(arrays(), st.one_of(index, st.tuples(index), st.tuples(index, index)))
def test_slices_are_those_of_numpy(array: np.ndarray, key: object) -> None:
    with safe_open(save({"t": array})) as f:
        part = f.get_slice("t")
        try:
            expected = array[key]  # type: ignore[index]
        except IndexError:
            with pytest.raises(IndexError):
                part[key]
            return
        found = part[key]
        assert np.asarray(found).tobytes() == np.asarray(expected).tobytes()
        assert np.shape(found) == np.shape(expected)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_is_found_or_harmless(data: st.DataObject) -> None:
    """No byte of a file can change unnoticed, and no damage is anything but a DcfError."""
    rng = np.random.default_rng(3)
    whole = bytearray(save({"a": rng.integers(0, 5, (40, 30)).astype(np.float32)}, {"k": "v"}))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DcfError):
        with safe_open(bytes(whole)) as f:
            f.verify()


def test_only_the_import_line_changes(tmp_path: pathlib.Path, weights: dict) -> None:
    script = textwrap.dedent(
        """
        import sys
        import numpy as np
        from {module} import load_file, save_file

        rng = np.random.default_rng(0)
        tensors = {{"a": rng.standard_normal((3, 4)), "b": np.arange(5, dtype=np.int16)}}
        save_file(tensors, sys.argv[1], metadata={{"format": "np"}})
        save_file(tensors, sys.argv[1])
        loaded = load_file(sys.argv[1])
        for name in sorted(loaded):
            print(name, loaded[name].dtype, loaded[name].shape, loaded[name].tobytes().hex())
        """
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script.format(module=module), str(tmp_path / "m")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for module in ("safetensors.numpy", "dcf_codec.numpy")
    ]
    assert outputs[0] == outputs[1] and "int16" in outputs[0]


def test_the_same_arrays_as_safetensors(tmp_path: pathlib.Path, weights: dict) -> None:
    safetensors.numpy.save_file(weights, tmp_path / "m.safetensors", metadata={"a": "b"})
    dcf_codec.compress(tmp_path / "m.safetensors", tmp_path / "m.dcf")
    ours, theirs = (
        load_file(tmp_path / "m.dcf"),
        safetensors.numpy.load_file(tmp_path / "m.safetensors"),
    )
    assert ours.keys() == theirs.keys()
    assert all(same(ours[name], theirs[name]) for name in theirs)


def test_without_ml_dtypes_bits_stay(tmp_path: pathlib.Path) -> None:
    array = np.arange(-3, 3, dtype=np.float32).reshape(2, 3).astype(ml_dtypes.bfloat16)
    save_file({"t": array}, tmp_path / "m.dcf")
    script = textwrap.dedent(
        """
        import sys
        sys.modules["ml_dtypes"] = None
        from dcf_codec.numpy import load_file, save_file
        t = load_file(sys.argv[1])["t"]
        assert t.dtype.names == ("bf16",) and t.shape == (2, 3)
        save_file({"t": t}, sys.argv[1])
        print(t["bf16"].tobytes().hex())
        """
    )
    out = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "m.dcf")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert out.strip() == array.tobytes().hex()
    assert same(load_file(tmp_path / "m.dcf")["t"], array)


def test_any_layout_and_byte_order() -> None:
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    for odd in (array.T, array[::2, ::-1], array.astype(">f4"), np.asfortranarray(array)):
        assert np.array_equal(load(save({"t": odd}))["t"], odd)
    assert load(save({"t": [1, 2, 3]}))["t"].tolist() == [1, 2, 3]


def test_types_that_a_file_does_not_have() -> None:
    for bad in (np.array(["text"]), np.array([1 + 2j]), np.array([object()])):
        with pytest.raises(TypeError, match="dtype"):
            save({"t": bad})
    with pytest.raises(TypeError, match="str"):
        save({1: np.zeros(2)})  # type: ignore[dict-item]


def test_opaque_elements_come_back() -> None:
    array = np.frombuffer(b"abcdefghi", np.dtype([("uint24", "V3")]))
    back = load(save({"t": array}))["t"]
    assert back.dtype == array.dtype and back.tobytes() == array.tobytes()
    with safe_open(save({"t": array})) as f:
        assert f.info("t").dtype_name == "uint24"


def test_sources(tmp_path: pathlib.Path, weights: dict) -> None:
    path = tmp_path / "m.dcf"
    save_file(weights, path)
    data = path.read_bytes()
    with open(path, "rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    for source in (str(path), path, data, memoryview(data), mapped, io.BytesIO(data)):
        assert np.array_equal(load_file(source)["fc1.weight"], weights["fc1.weight"])
    with pytest.raises(FileNotFoundError):
        load_file(tmp_path / "none.dcf")
    with pytest.raises(FileStructureError):
        load(b"")
    with pytest.raises(OSError):
        load_file(tmp_path)

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise RuntimeError("the network is gone")

    with pytest.raises(RuntimeError, match="network"):
        load_file(Broken(data))


class Ranges:
    """A source of ranges that counts, and fails when it is told to."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.fail = data, len(data), False
        self.asked: list[tuple[int, int]] = []

    def read_range(self, offset: int, size: int) -> bytes:
        self.asked.append((offset, size))
        return b"" if self.fail else self.data[offset : offset + size]


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_ranges_come_once_and_only_those_that_are_needed(
    rng: np.random.Generator, threads: int
) -> None:
    big = {f"big{i}": rng.standard_normal((1000, 1100)).astype(np.float32) for i in range(9)}
    source = Ranges(save(big))
    loaded = load_file(source, threads=threads)
    assert all(same(loaded[name], big[name]) for name in big)
    assert len(source.asked) == len(set(source.asked))
    assert sum(size for _, size in source.asked) == source.size
    source.asked.clear()
    with safe_open(source) as f:
        assert same(f.get_slice("big1")[500], big["big1"][500])
    assert sum(size for _, size in source.asked) < source.size / 2


def test_a_failing_source_while_decoding(rng: np.random.Generator) -> None:
    big = rng.standard_normal((2000, 3000)).astype(np.float32)
    source = Ranges(save({"big": big, "a": np.arange(3)}))
    with safe_open(source) as f:
        source.fail = True
        with pytest.raises(EOFError):
            f.get_tensor("big")
        source.fail = False
        assert same(f.get_tensor("big"), big)


def test_encodings(weights: dict) -> None:
    lossless = save(weights)
    lossy = save(weights, encoding=Encoding(sparsity=0.9, bits=3))
    assert len(lossy) < len(lossless)
    assert load(lossy)["step"] == 3
    with pytest.raises(ValueError, match="float"):
        save(weights, encoding={"step": Encoding(bits=3)})
    with safe_open(save(weights, encoding={"fc3.weight": Encoding(bits=2)})) as f:
        info = f.info("fc3.weight")
        assert (info.values, info.fidelity) == ("palette", "lossy")
        error = np.abs(f.get_tensor("fc3.weight") - weights["fc3.weight"]).max()
        assert error <= info.error_bound
        assert f.info("fc1.weight").fidelity == "bit-exact"
    with pytest.raises(ValueError):
        save(weights, encoding=Encoding(bits=9))
    with pytest.raises(ValueError, match="linear"):
        save(weights, encoding=Encoding(init="best"))


def test_bytes_do_not_depend_on_order_or_threads(weights: dict) -> None:
    backwards = dict(reversed(weights.items()))
    assert save(weights, threads=1) == save(backwards, threads=2)


def test_as_float32(weights: dict) -> None:
    half = weights["fc3.weight"].astype(ml_dtypes.bfloat16)
    with safe_open(save({"t": half, "i": weights["step"]})) as f:
        assert same(f.get_tensor("t", dtype="float32"), half.astype(np.float32))
        assert f.get_tensor("i", dtype="float32") == np.float32(3)
        with pytest.raises(ValueError):
            f.get_tensor("t", dtype="int8")


def test_codes(weights: dict) -> None:
    with safe_open(save(weights)) as f:
        codes, codebook, sparse = f.get_tensor("fc2.weight", layout="codes")
        assert not sparse and np.array_equal(codebook[codes], weights["fc2.weight"])
        with pytest.raises(ValueError, match="codebook"):
            f.get_tensor("fc3.bias", layout="codes")


def test_the_open_file(weights: dict) -> None:
    f = safe_open(save(weights), framework="numpy")
    assert len(f) == 5 and "step" in f and "nothing" not in f
    assert f.metadata() is None
    with pytest.raises(KeyError) as caught:
        f.get_tensor("nothing")
    assert caught.value.tensor == "nothing"
    assert f.get_slice("step").get_dtype() == "I64" and f.get_slice("step")[...] == 3
    some = f.get_tensors(["step", "fc3.bias"])
    assert list(some) == ["step", "fc3.bias"] and same(some["fc3.bias"], weights["fc3.bias"])
    f.verify("fc1.weight")
    kept = f.get_tensor("fc1.weight")
    f.close()
    f.close()
    with pytest.raises(ValueError, match="closed"):
        f.keys()
    assert same(kept, weights["fc1.weight"])
    for wrong in ({"framework": "tf"}, {"device": "cuda"}):
        with pytest.raises(ValueError):
            safe_open(save(weights), **wrong)
    with pytest.raises(TypeError):
        safe_open(save(weights), max_fun=3)


def test_limits(weights: dict) -> None:
    data = save(weights)
    with pytest.raises(dcf_codec.errors.LimitError) as caught:
        safe_open(data, max_output=1000)
    assert caught.value.name == "LimitOutput"
    with pytest.raises(dcf_codec.errors.LimitError):
        safe_open(data, max_tensors=2)


def test_writer(tmp_path: pathlib.Path, weights: dict) -> None:
    path = tmp_path / "m.dcf"
    with Writer(path) as writer:
        for name, array in weights.items():
            writer.add(name, array)
        writer.add_section(1000, b"some bytes")
    with safe_open(path) as f:
        assert f.file.sections() == {1000: b"some bytes"}
    with pytest.raises(FileExistsError):
        Writer(path)
    with pytest.raises(RuntimeError), Writer(path, overwrite=True) as writer:
        writer.add("a", np.zeros(3))
        raise RuntimeError("no file then")
    assert len(safe_open(path)) == 5
    source = safe_open(path)
    with Writer(tmp_path / "copy.dcf") as writer:
        for i in range(len(source)):
            writer.copy(source.file, i)
        writer.add_section(1000, b"some bytes")
    assert (tmp_path / "copy.dcf").read_bytes() == path.read_bytes()
    with pytest.raises(DcfError) as caught, Writer(tmp_path / "twice.dcf") as writer:
        writer.add("a", np.zeros(3))
        writer.add("a", np.zeros(3))
    assert caught.value.name == "DuplicateName" and caught.value.tensor == "a"
    assert not (tmp_path / "twice.dcf").exists()


def test_errors_travel_between_processes() -> None:
    import pickle

    with pytest.raises(DcfError) as caught:
        load(b"no such file" * 10)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value) and str(again) == str(caught.value)
    assert again.rule == "H-01"


def test_torch_is_named_where_it_is_missing() -> None:
    for work in ("import dcf_codec.torch", "dcf_codec.safe_open('x.dcf', framework='pt')"):
        program = f"import sys; sys.modules['torch'] = None\nimport dcf_codec\n{work}"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stderr.endswith(
            "ImportError: dcf_codec.torch needs PyTorch: pip install torch\n"
        )


def test_a_writer_takes_many_arrays(weights: dict, tmp_path: pathlib.Path) -> None:
    one, many = tmp_path / "one.dcf", tmp_path / "many.dcf"
    with Writer(one) as writer:
        for name, array in weights.items():
            writer.add(name, array)
    with Writer(many, threads=2) as writer:
        writer.add_all(weights)
        writer.add_all({})
    assert one.read_bytes() == many.read_bytes()
    with pytest.raises(DcfError) as caught, Writer(tmp_path / "twice.dcf") as writer:
        writer.add_all(weights)
        writer.add_all({"new": np.zeros(3), "fc1.weight": np.zeros(4)})
    assert caught.value.tensor == "fc1.weight"
