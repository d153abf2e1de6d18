# SPDX-License-Identifier: Apache-2.0
"""collect_stats of torch modules: moments are those computed the long way. Left out where PyTorch is
not installed."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from moments_by_hand import conv_vectors, read_stats, same  # noqa: E402

import dcf_codec  # noqa: E402
from dcf_codec.torch import prune_  # noqa: E402


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(3)


def test_linear() -> None:
    model = torch.nn.Sequential(
        torch.nn.Linear(12, 7), torch.nn.ReLU(inplace=True), torch.nn.Linear(7, 5)
    )
    inputs = [torch.randn(3, 4, 12) for _ in range(6)]
    stats = dcf_codec.collect_stats(model, inputs)
    assert sorted(stats) == ["0.weight.moments", "2.weight.moments", "__metadata__"]
    x = torch.cat([one.reshape(-1, 12) for one in inputs])
    assert same(stats, "0.weight", x.numpy())
    assert same(stats, "2.weight", model[1](model[0](x)).detach().numpy())


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"groups": 2, "stride": 2, "padding": 1},
        {"groups": 6, "padding": (2, 0), "dilation": (2, 1)},
        {"padding": "same", "dilation": 3},
        {"padding": 1, "padding_mode": "reflect", "stride": (1, 3)},
    ],
    ids=str,
)
def test_convolutions(arguments: dict) -> None:
    layer = torch.nn.Conv2d(6, 12, (3, 2), **arguments)
    x = torch.randn(2, 6, 9, 10)
    stats = dcf_codec.collect_stats(torch.nn.ModuleDict({"c": layer})["c"], [x])
    pads = [(0, 0), (0, 0)]
    padding = arguments.get("padding", 0)
    if padding == "same":
        pads = [(3, 3), (1, 2)]
    elif "padding_mode" in arguments:
        x = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
    else:
        pads = [(p, p) for p in np.broadcast_to(padding, 2)]
    vectors = conv_vectors(
        x.numpy(),
        (3, 2),
        layer.groups,
        np.broadcast_to(arguments.get("stride", 1), 2),
        pads,
        np.broadcast_to(arguments.get("dilation", 1), 2),
    )
    assert same(stats, "weight", vectors)
    # They are the vectors that the layer multiplies: W x is its output.
    rows = layer.weight.detach().numpy().reshape(layer.groups, -1, vectors.shape[-1])
    product = np.concatenate(vectors @ np.swapaxes(rows, -1, -2), -1) + layer.bias.detach().numpy()
    output = layer(torch.as_tensor(x) if "padding_mode" not in arguments else x[:, :, 1:-1, 1:-1])
    assert np.allclose(
        product, output.detach().permute(0, 2, 3, 1).reshape(product.shape), atol=1e-4
    )


def test_one_and_three_dimensions() -> None:
    x = torch.randn(2, 4, 20)
    stats = dcf_codec.collect_stats(torch.nn.Conv1d(4, 6, 5, stride=2, padding=2, groups=2), [x])
    vectors = conv_vectors(x.numpy()[:, :, None], (1, 5), 2, strides=(1, 2), pads=((0, 0), (2, 2)))
    assert same(stats, "weight", vectors)
    deep = dcf_codec.collect_stats(torch.nn.Conv3d(2, 4, 2), [torch.randn(1, 2, 4, 4, 4)])
    assert deep["weight.moments"].shape == (16, 16)


class Attention(torch.nn.Module):
    """Tokens, tied weights, an encoder layer of torch that has a fast path, a layer never reached."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(50, 16)
        self.body = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.twice = torch.nn.Linear(16, 16)
        self.again = torch.nn.Linear(16, 16)
        self.again.weight = self.twice.weight
        self.head = torch.nn.Linear(16, 50)
        self.head.weight = self.embed.weight
        self.unused = torch.nn.Linear(16, 3)

    def forward(self, tokens: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        return self.head(self.again(self.twice(self.body(self.embed(tokens) * scale))))


def test_a_transformer(caplog: pytest.LogCaptureFixture) -> None:
    model = Attention().train()
    model.body.dropout.eval()
    modes = [part.training for part in model.modules()]
    tokens = [{"tokens": np.arange(i, i + 9)[None], "scale": 0.5} for i in range(20)]
    told = pytest.warns(dcf_codec.DcfWarning, match="unused.weight")
    with caplog.at_level("INFO", "dcf_codec"), told:
        stats = dcf_codec.collect_stats(model, tokens)
    assert [part.training for part in model.modules()] == modes
    assert not any(part._forward_pre_hooks for part in model.modules())
    assert "head.weight: no statistics: tied to an embedding" in caplog.text
    assert "unused.weight: no statistics: no input reached it" in caplog.text
    names = {name.rpartition(".")[0] for name in stats if name != "__metadata__"}
    assert names == {
        "body.self_attn.in_proj_weight",
        "body.linear1.weight",
        "body.linear2.weight",
        "twice.weight",
    }
    model.eval()
    x = torch.cat([model.embed(torch.from_numpy(one["tokens"])) * 0.5 for one in tokens])
    vectors = x.detach().reshape(-1, 16).numpy()
    assert same(stats, "body.self_attn.in_proj_weight", np.stack([vectors] * 3))
    # A tied weight has the inputs of both layers.
    body = model.body(x).detach()
    both = torch.cat([body, model.twice(body).detach()]).reshape(-1, 16)
    assert same(stats, "twice.weight", both.numpy())


def test_queries_of_one_kind_and_keys_of_another() -> None:
    layer = torch.nn.MultiheadAttention(8, 2)
    query, key = torch.randn(1, 3, 8), torch.randn(200, 3, 8)
    value = key + 1
    inputs = [(query, key, value), (query + 2, key[:100], value[:100])]
    stats = dcf_codec.collect_stats(layer, inputs)
    found = stats["in_proj_weight.moments"]
    assert found.shape == (3, 8, 8)
    for moment, parts in zip(found, zip(*inputs)):  # each of all its own rows
        rows = torch.cat([part.reshape(-1, 8) for part in parts]).numpy()
        assert np.allclose(moment, rows.T @ rows / len(rows), rtol=1e-5, atol=1e-5)
    # The fewest of the three.
    assert json.loads(stats["__metadata__"]["dcf.vectors"]) == {"in_proj_weight": 6}
    means = dcf_codec.collect_stats(layer, inputs, max_columns=4)
    assert np.allclose(means["in_proj_weight.mean"][1], torch.cat([key, key[:100]]).mean((0, 1)))
    assert means["in_proj_weight.mean_square"].shape == (3, 8)


def test_inputs_first() -> None:
    class Conv1D(torch.nn.Module):  # as in transformers
        def __init__(self) -> None:
            super().__init__()
            self.nf = 6
            self.weight = torch.nn.Parameter(torch.randn(4, 6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.weight

    x = torch.randn(10, 4)
    stats = dcf_codec.collect_stats(torch.nn.Sequential(Conv1D()), [x])
    assert same(stats, "0.weight", x.numpy())
    assert json.loads(stats["__metadata__"]["dcf.inputs_first"]) == ["0.weight"]


def test_pruned_and_half() -> None:
    model = prune_(torch.nn.Sequential(torch.nn.Linear(20, 30)), 0.5)
    x = torch.randn(9, 20)
    assert same(dcf_codec.collect_stats(model, [x]), "0.weight", x.numpy())
    half = torch.nn.Sequential(torch.nn.Linear(20, 30)).to(torch.bfloat16)
    stats = dcf_codec.collect_stats(half, [x.to(torch.bfloat16)])
    assert same(stats, "0.weight", x.to(torch.bfloat16).float().numpy())


@pytest.mark.filterwarnings("ignore:.*unused.weight:dcf_codec.DcfWarning")
def test_noise() -> None:
    for model, shapes in (
        (torch.nn.Conv2d(3, 4, 3), None),
        (torch.nn.Linear(20, 3), None),
        (Attention(), None),
        (torch.nn.Conv1d(2, 2, 3), [(1, 2, 50)]),
        (Attention(), {"tokens": (2, 7)}),
    ):
        stats = dcf_codec.collect_stats(model, input_shapes=shapes, count=3)
        again = dcf_codec.collect_stats(model, input_shapes=shapes, count=3)
        other = dcf_codec.collect_stats(model, input_shapes=shapes, count=3, seed=1)
        name = next(iter(stats))
        assert np.array_equal(stats[name], again[name])
        assert not np.array_equal(stats[name], other[name])
    with pytest.raises(ValueError, match="input_shapes"):
        dcf_codec.collect_stats(torch.nn.Conv1d(2, 2, 3))
    with pytest.raises(ValueError, match="are for noise"):
        dcf_codec.collect_stats(model, [torch.zeros(1, 2)], input_shapes=[(1, 2)])


def test_columns_beyond_the_limit_are_vectors() -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(4, 8, 3, groups=2), torch.nn.Flatten(), torch.nn.Linear(32, 2)
    )
    x = torch.randn(50, 4, 4, 4)
    stats = dcf_codec.collect_stats(model, [x], max_columns=20)
    assert stats["0.weight.moments"].shape == (2, 18, 18)
    y = model[1](model[0](x)).detach().numpy()
    assert np.allclose(stats["2.weight.mean"], y.mean(0), atol=1e-5)
    assert np.allclose(stats["2.weight.mean_square"], np.square(y).mean(0), atol=1e-5)
    none = dcf_codec.collect_stats(model, [x], max_columns=0)
    assert none["0.weight.mean"].shape == none["0.weight.mean_square"].shape == (2, 18)


def test_a_part_of_the_positions() -> None:
    layer = torch.nn.Conv2d(2, 2, 3)
    x = torch.randn(1, 2, 40, 40)
    whole = dcf_codec.collect_stats(layer, [x])["weight.moments"]
    stats = dcf_codec.collect_stats(layer, [x], max_vectors=700)
    assert json.loads(stats["__metadata__"]["dcf.vectors"]) == {"weight": 700}
    assert np.abs(stats["weight.moments"] - whole).max() < 0.3


def test_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "stats.safetensors"
    model = torch.nn.Sequential(torch.nn.Linear(6, 4))
    inputs = (torch.randn(5, 6) for _ in range(4))  # once only
    stats = dcf_codec.collect_stats(model, inputs, path)
    metadata, tensors = read_stats(path)
    assert metadata == stats.pop("__metadata__") and metadata["dcf.calibration"] == "1"
    assert stats.keys() == tensors.keys()
    assert all(np.array_equal(stats[name], tensors[name]) for name in stats)
    with pytest.raises(FileExistsError):
        dcf_codec.collect_stats(model, [torch.randn(5, 6)], path)
    dcf_codec.collect_stats(model, [torch.randn(5, 6)], path, force=True)
    assert not np.array_equal(read_stats(path)[1]["0.weight.moments"], tensors["0.weight.moments"])
    assert [one.name for one in tmp_path.iterdir()] == ["stats.safetensors"]


@pytest.mark.filterwarnings("error")
def test_what_is_wrong(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "stats.safetensors"
    model = torch.nn.Sequential(torch.nn.Linear(6, 4))
    for value in (float("nan"), float("inf")):
        for full in (None, 0):
            with pytest.raises(ValueError, match="'0.weight' hold NaN or Inf"):
                dcf_codec.collect_stats(model, [torch.full((1, 6), value)], path, max_columns=full)
    for full in (None, 0):
        with pytest.raises(ValueError, match="'0.weight' are too large"):
            dcf_codec.collect_stats(model, [torch.full((1, 6), 1e25)], path, max_columns=full)
    with pytest.raises(ValueError, match="no inputs"):
        dcf_codec.collect_stats(model, [], path)
    with pytest.raises(RuntimeError, match="shape"):
        dcf_codec.collect_stats(model, [torch.randn(5, 7)], path)
    with pytest.raises(ValueError, match="no weights"):
        dcf_codec.collect_stats(torch.nn.ReLU(), [torch.randn(5, 7)], path)
    with pytest.raises(TypeError, match="list"):
        dcf_codec.collect_stats([model], [torch.randn(5, 6)], path)
    with pytest.raises(ValueError, match="max_vectors"):
        dcf_codec.collect_stats(model, [torch.randn(5, 6)], path, max_vectors=0)
    with pytest.raises(ValueError, match="4 inputs"):
        dcf_codec.collect_stats(model, [torch.randn(5, 6)] * 3, path, sensitivity=True)
    assert not list(tmp_path.iterdir()) and not model[0]._forward_pre_hooks


class Branches(torch.nn.Module):
    """One layer is the output, another one hardly reaches it, a table not at all; one tensor is
    never rounded."""

    def __init__(self) -> None:
        super().__init__()
        self.main = torch.nn.Linear(40, 30, bias=False)
        self.faint = torch.nn.Linear(40, 30, bias=False)
        self.table = torch.nn.Parameter(torch.randn(64, 20))
        self.zeros = torch.nn.Parameter(torch.zeros(32, 32))

    def forward(self, x: torch.Tensor) -> dict:
        return {"y": self.main(x) + 0.01 * self.faint(x), "steps": torch.tensor(3)}


def test_sensitivity() -> None:
    model = Branches()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    inputs = [torch.randn(200, 40) * torch.linspace(0.1, 3, 40) for _ in range(12)]
    steps = []
    stats = dcf_codec.collect_stats(
        model, inputs, sensitivity=True, progress=lambda *step: steps.append(step)
    )
    assert steps[:12] == [(i, 12) for i in range(1, 13)] and steps[12:] == [
        (i, 3) for i in range(4)
    ]
    # Three of the twelve are measured with, and not in the moments.
    seen = [x for i, x in enumerate(inputs) if i % 4 != 3]
    assert same(stats, "main.weight", torch.cat(seen).numpy())
    found = {name[:-12]: float(stats[name][0]) for name in stats if name.endswith(".sensitivity")}
    assert found.keys() == {"main.weight", "faint.weight", "table", "zeros"}
    # |dW x|^2 is the square change of the output, which is relative to |y|^2.
    x = torch.cat(inputs)
    expected = 1 / float(model(x)["y"].square().sum(1).mean())
    assert found["main.weight"] == pytest.approx(expected, rel=0.1)
    assert found["faint.weight"] == pytest.approx(1e-4 * expected, rel=0.2)
    assert 0 < found["zeros"] <= found["table"] < 1e-4 * expected
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("failure", [KeyboardInterrupt, LookupError])
def test_cancelling(tmp_path: pathlib.Path, failure: type[BaseException]) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(6, 4)).train()
    steps = []

    def progress(done: int, total: int) -> None:
        steps.append((done, total))
        if done == 3:
            raise failure

    with pytest.raises(failure):
        dcf_codec.collect_stats(
            model, [torch.randn(5, 6)] * 9, tmp_path / "s.safetensors", progress=progress
        )
    assert steps == [(1, 9), (2, 9), (3, 9)]
    assert not list(tmp_path.iterdir()) and not model[0]._forward_pre_hooks and model.training
    assert dcf_codec.collect_stats(model, [torch.randn(5, 6)], progress=True)  # a bar of tqdm
