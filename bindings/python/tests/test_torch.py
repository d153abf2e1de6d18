# SPDX-License-Identifier: Apache-2.0
"""dcf_codec.torch: tensors there and back. Left out where PyTorch is not installed."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import dcf_codec

torch = pytest.importorskip("torch")

from dcf_codec.torch import load, load_file, safe_open, save, save_file, save_model  # noqa: E402

NAMES = (
    "float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 float8_e8m0fnu float8_e4m3fnuz "
    "float8_e5m2fnuz int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool complex64"
).split()
DTYPES = [getattr(torch, name) for name in NAMES if hasattr(torch, name)]


def _bytes(tensor: torch.Tensor) -> bytes:
    flat = tensor.contiguous().reshape(-1)
    if tensor.dtype == torch.complex64:
        return flat.numpy().tobytes()
    return flat.view(torch.int8).numpy().tobytes() if flat.numel() else b""


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and _bytes(a) == _bytes(b)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (5, 6), (2, 3, 4)])
def test_every_type_and_shape(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    size = torch.empty((), dtype=dtype).element_size()
    count = int(np.prod(shape, dtype=int))
    if dtype == torch.bool:
        tensor = torch.rand(shape) > 0.5
    elif dtype == torch.complex64:
        tensor = torch.randn(shape, dtype=dtype)
    else:
        tensor = torch.randint(0, 127, (count * size,), dtype=torch.uint8)
        tensor = tensor.view(dtype).reshape(shape) if count else torch.empty(shape, dtype=dtype)
    data = save({"t": tensor, "again": tensor}, {"format": "pt"})
    back = load(data)
    assert same(back["t"], tensor) and same(back["again"], tensor)
    with safe_open(data, framework="pt") as f:
        assert same(f.get_tensor("t"), tensor)
        assert same(f.get_slice("t")[...], tensor)
        assert f.metadata() == {"format": "pt"}


def test_files_and_slices(tmp_path: pathlib.Path) -> None:
    weight = torch.randn(50, 40)
    path = tmp_path / "m.dcf"
    save_file({"w": weight, "t": weight.t(), "half": weight[::2]}, path)
    back = load_file(path, device="cpu")
    assert same(back["w"], weight) and torch.equal(back["t"], weight.t())
    with dcf_codec.safe_open(path, framework="pt", device=torch.device("cpu")) as f:
        part = f.get_slice("w")
        assert part.get_shape() == [50, 40] and part.get_dtype() == "F32"
        assert torch.equal(part[3:9, :5], weight[3:9, :5]) and torch.equal(part[-1], weight[-1])


def test_a_module(tmp_path: pathlib.Path) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(20, 10), torch.nn.ReLU(), torch.nn.Linear(10, 2))
    save_file(module.state_dict(), tmp_path / "m.dcf")
    other = torch.nn.Sequential(torch.nn.Linear(20, 10), torch.nn.ReLU(), torch.nn.Linear(10, 2))
    other.load_state_dict(load_file(tmp_path / "m.dcf"))
    x = torch.randn(3, 20)
    assert torch.equal(module(x), other(x))
    # The memory is torch's own: it may be trained and grown.
    for parameter in other.parameters():
        parameter.data.mul_(2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_sparse(dtype: torch.dtype) -> None:
    dense = torch.randn(30, 40)
    dense[torch.rand(30, 40) < 0.9] = 0
    dense = dense.to(dtype)
    data = save({"w": dense})
    assert (
        save({"w": dense.float().to_sparse().to(dtype) if dtype == torch.float32 else dense})
        == data
    )
    with safe_open(data, framework="pt") as f:
        matrix = f.get_tensor("w", layout="csr")
        assert matrix.layout == torch.sparse_csr and matrix.dtype == dtype
        assert matrix.values().numel() == int((dense != 0).sum())
        if dtype != torch.bfloat16:
            assert torch.equal(matrix.to_dense(), dense)
            assert save({"w": matrix}) == data
        again = f.get_tensor("w", layout="csr", dtype="float32")
        assert torch.equal(again.to_dense(), dense.float())


def test_packed_bits_are_bytes() -> None:
    path = pathlib.Path(__file__).parents[3] / "tests" / "golden" / "v0" / "dtypes.dcf"
    with safe_open(path, framework="pt") as f:
        packed = [name for name in f.keys() if f.info(name).dtype.bits % 8]
        assert packed
        for name in packed:
            assert f.get_tensor(name).dtype == torch.uint8


def test_what_is_no_tensor(tmp_path: pathlib.Path) -> None:
    with pytest.raises(TypeError, match="^tensor 'w': .*ndarray"):
        save({"w": np.zeros(3)})
    with pytest.raises(TypeError, match="^tensor 'w': .*complex128"):
        save({"v": torch.zeros(3), "w": torch.zeros(3, dtype=torch.complex128)})
    with pytest.raises(TypeError, match="^tensor 'layer': .*dict"):
        save({"layer": {"w": torch.zeros(3)}})
    module = torch.nn.Linear(3, 2)
    with pytest.raises(TypeError, match=r"not a Linear: save_model\(\) .*\.state_dict\(\)$"):
        save_file(module, tmp_path / "m.dcf")
    with pytest.raises(TypeError, match="^tensors are a dict, name -> tensor, not a Tensor$"):
        save_file(module.weight.detach(), tmp_path / "m.dcf")
    with pytest.raises(
        TypeError, match="^save_model saves a torch.nn.Module, not a OrderedDict: sav"
    ):
        save_model(module.state_dict(), tmp_path / "m.dcf")
    assert not list(tmp_path.iterdir())
