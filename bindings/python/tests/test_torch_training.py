# SPDX-License-Identifier: Apache-2.0
"""prune_ and cluster_: what they compute, and that no optimiser undoes it. Left out where PyTorch
is not installed."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dcf_codec.errors import CallError, DcfError  # noqa: E402
from dcf_codec.torch import _core, cluster_, finalize_, prune_, scheduled_sparsity  # noqa: E402

OPTIMISERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.05),
    "SGD, momentum, weight decay": lambda p: torch.optim.SGD(
        p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1
    ),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.9),
}


class Net(torch.nn.Module):
    """A layer of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(20, 8)
        self.conv1 = torch.nn.Conv1d(8, 6, 3)
        self.conv2 = torch.nn.Conv2d(1, 4, 3, padding=1)
        self.up = torch.nn.ConvTranspose2d(4, 2, 2, stride=2, bias=False)
        self.norm = torch.nn.LayerNorm(6)
        self.fc = torch.nn.Linear(6 * 2 * 4 * 2, 5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.conv1(self.embedding(tokens).transpose(1, 2))[:, :, :4]
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        x = self.up(torch.relu(self.conv2(x.unsqueeze(1))))[:, :, :6, :8]
        return self.fc(x.reshape(len(x), -1))


WEIGHTS = ["embedding", "conv1", "conv2", "up", "fc"]


@pytest.fixture
def net() -> Net:
    torch.manual_seed(3)
    return Net()


def step(net: torch.nn.Module, optimiser: Any) -> float:
    tokens = torch.randint(20, (16, 8))
    optimiser.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(tokens), tokens[:, 0] % 5)
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def weight(net: torch.nn.Module, name: str) -> torch.Tensor:
    return net.get_submodule(name).weight.detach()


def zeros(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight(net, name) == 0 for name in WEIGHTS}


def test_each_layer_loses_its_least_weights(net: Net) -> None:
    before = copy.deepcopy(net)
    assert prune_(net, 0.6) is net
    for name in WEIGHTS:
        old, new = weight(before, name), weight(net, name)
        kept = new != 0
        assert int((~kept).sum()) == math.floor(0.6 * old.numel() + 0.5)
        assert torch.equal(new[kept], old[kept])
        assert old[kept].abs().min() >= old[~kept].abs().max()
    assert torch.equal(net.norm.weight, before.norm.weight) and type(net.norm) is torch.nn.LayerNorm
    assert torch.equal(net.fc.bias, before.fc.bias)


def test_global_scope_is_one_threshold(net: Net) -> None:
    with torch.no_grad():
        net.fc.weight.mul_(1000)
    before = torch.cat([weight(net, name).flatten() for name in WEIGHTS])
    prune_(net, 0.3, scope="global")
    after = torch.cat([weight(net, name).flatten() for name in WEIGHTS])
    count = math.floor(0.3 * len(before) + 0.5)
    assert int((after == 0).sum()) == count
    assert before[after != 0].abs().min() >= before.abs().sort().values[count - 1]
    assert float((weight(net, "fc") == 0).float().mean()) < 0.1


def test_patterns(net: Net) -> None:
    prune_(net, {"fc": 0.5, "conv1": 0.0, "conv*": 0.25, "norm.weight": 0.9, "fc.bias": 0.4})
    shares = {name: float((weight(net, name) == 0).float().mean()) for name in WEIGHTS}
    assert shares == {"embedding": 0, "conv1": 0, "conv2": 0.25, "up": 0, "fc": 0.5}
    assert int((net.norm.weight == 0).sum()) == 5 and int((net.fc.bias == 0).sum()) == 2
    cluster_(net, {"fc.weight": 2, "up": 0, "*": 3})
    assert len(torch.unique(weight(net, "fc"))) <= 5
    assert len(torch.unique(weight(net, "conv1"))) <= 8
    assert len(torch.unique(weight(net, "up"))) == weight(net, "up").numel()


@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
def test_masks_stay(net: Net, make: Callable[[Any], Any]) -> None:
    optimiser = make(net.parameters())
    for _ in range(3):  # momentum for the weights that go
        step(net, optimiser)
    prune_(net, 0.5)
    first = zeros(net)
    losses = [step(net, optimiser) for _ in range(60)]
    moved = weight(net, "fc").clone()
    assert all(torch.equal(mask, zeros(net)[name]) for name, mask in first.items())
    prune_(net, 0.8)
    second = zeros(net)
    losses += [step(net, optimiser) for _ in range(60)]
    for name, mask in zeros(net).items():
        assert bool((mask >= second[name]).all()) and bool((second[name] >= first[name]).all())
    assert not torch.equal(moved, weight(net, "fc"))
    assert sum(losses[-10:]) < sum(losses[:10])


def test_schedule() -> None:
    at = lambda step: scheduled_sparsity(step, 0.9, begin=100, end=300, initial=0.1)  # noqa: E731
    assert at(0) == at(100) == pytest.approx(0.1) and at(300) == at(10**6) == 0.9
    assert at(200) == pytest.approx(0.9 + (0.1 - 0.9) * 0.5**3)
    values = [at(step) for step in range(400)]
    assert values == sorted(values)
    assert scheduled_sparsity(5, 0.8, end=10, power=1) == pytest.approx(0.4)
    assert scheduled_sparsity(10, {"a": 0.5, "b": 0.9}, end=10) == {"a": 0.5, "b": 0.9}
    with pytest.raises(ValueError, match="not after"):
        scheduled_sparsity(0, 0.5, begin=5, end=5)


class Gathered(torch.nn.Module):
    """The same sharing, said in torch: a table with a zero before it, indexed by codes."""

    def __init__(self, codes: torch.Tensor) -> None:
        super().__init__()
        self.codes = codes.long()

    def forward(self, book: torch.Tensor) -> torch.Tensor:
        return torch.cat([book.new_zeros(1), book])[self.codes]


def gathered(net: torch.nn.Module) -> torch.nn.Module:
    twin = copy.deepcopy(net)
    for module in twin.modules():
        for stack in getattr(module, "parametrizations", {}).values():
            stack[0] = Gathered(stack[0].codes)
    return twin


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sparsity", [0.0, 0.7])
def test_gradients_are_those_of_a_gather(net: Net, sparsity: float, dtype: torch.dtype) -> None:
    net.to(dtype)
    cluster_(prune_(net, sparsity), 4)
    twin = gathered(net)
    tokens = torch.randint(20, (16, 8))
    for model in (net, twin):
        torch.nn.functional.cross_entropy(model(tokens), tokens[:, 0] % 5).backward()
    pairs = list(zip(net.named_parameters(), twin.named_parameters()))
    assert len(pairs) == 10
    for (name, a), (other, b) in pairs:
        assert name == other and a.grad is not None and a.dtype == dtype
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-6)
    assert net.fc.parametrizations.weight.original.shape[0] <= 16


@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
def test_any_optimiser_trains_codebooks(net: Net, make: Callable[[Any], Any]) -> None:
    cluster_(prune_(net, 0.5), 4)
    twin = gathered(net)
    codes = {
        name: net.get_submodule(name).parametrizations.weight[0].codes.clone() for name in WEIGHTS
    }
    before = weight(net, "fc").clone()
    losses = []
    for model in (net, twin):
        torch.manual_seed(5)
        optimiser = make(model.parameters())
        losses.append([step(model, optimiser) for _ in range(40)])
    # Steps of RMSprop and Adam magnify the last bits of small gradients.
    np.testing.assert_allclose(losses[0][:10], losses[1][:10], rtol=1e-2)
    assert sum(losses[0][-10:]) < sum(losses[0][:10])
    assert not torch.equal(before, weight(net, "fc"))
    for name in WEIGHTS:
        assert torch.equal(codes[name], net.get_submodule(name).parametrizations.weight[0].codes)
        assert len(torch.unique(weight(net, name))) <= 17


def test_both_ways_to_sum(rng: np.random.Generator) -> None:
    codes = torch.from_numpy(rng.integers(0, 9, (30, 40), np.uint8))
    gradient = torch.randn(30, 40)
    core = _core.sum_gradients(gradient, codes, 8)
    other = _core.sum_gradients(gradient.double(), codes, 8)
    torch.testing.assert_close(core.double(), other, rtol=1e-6, atol=1e-6)
    book = torch.randn(8)
    assert torch.equal(_core.expand(book, codes).double(), _core.expand(book.double(), codes))
    assert torch.equal(_core.expand(book, codes.t()), _core.expand(book, codes).t())
    gradient[3, 4] = math.inf
    sums = _core.sum_gradients(gradient, codes, 8)
    hit = int(codes[3, 4])
    assert [math.isinf(x) for x in sums.tolist()] == [c + 1 == hit for c in range(8)]
    for tensor in (book, book.double()):
        with pytest.raises((DcfError, IndexError)):
            _core.expand(tensor, torch.full((3,), 9, dtype=torch.uint8))


@pytest.mark.parametrize("init", ["linear", "density", "forgy", "optimal"])
def test_codebooks_are_means(init: str) -> None:
    torch.manual_seed(1)
    layer = torch.nn.Linear(100, 50)
    dense = weight(layer, "").clone()
    cluster_(layer, 4, init=init, seed=2)
    shared = weight(layer, "")
    for value in torch.unique(shared):
        assert float(dense[shared == value].mean()) == pytest.approx(float(value), abs=2e-4)
    error = float((dense - shared).square().mean())
    assert error < float(dense.square().mean()) / 100


def test_bits_with_a_price_are_fewer() -> None:
    torch.manual_seed(1)
    layers = [torch.nn.Linear(100, 50) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    cluster_(layers[0], 5)
    cluster_(layers[1], 5, bit_price=1e-4)

    def entropy(layer: torch.nn.Module) -> float:
        share = torch.unique(weight(layer, ""), return_counts=True)[1].double() / 5000
        return float(-(share * share.log2()).sum())

    assert entropy(layers[1]) < entropy(layers[0]) - 0.5


def test_deepcopies_are_apart(net: Net) -> None:
    prune_(net, 0.5)
    other = copy.deepcopy(net)
    finalize_(other)
    assert type(other.fc) is torch.nn.Linear and torch.equal(other.fc.weight, net.fc.weight)
    assert isinstance(other.fc.weight, torch.nn.Parameter)
    third = cluster_(copy.deepcopy(net), 3)
    step(third, torch.optim.SGD(third.parameters(), 0.1))
    assert torch.equal(other.fc.weight, net.fc.weight)
    prune_(net, {"fc.bias": 0.5})
    step(third, torch.optim.SGD(third.parameters(), 0.1))
    cluster_(net, 2)
    assert torch.equal(zeros(third)["fc"], other.fc.weight == 0)
    finalize_(net)
    assert set(net.state_dict()) == set(Net().state_dict())


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_state_dicts(net: Net, stage: int) -> None:
    def prepared(model: Net) -> Net:
        return (lambda m: m, lambda m: prune_(m, 0.6), lambda m: cluster_(prune_(m, 0.6), 4))[
            stage
        ](model)

    prepared(net)
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(5):
        step(net, optimiser)
    torch.manual_seed(99)
    other = prepared(Net())
    assert other.load_state_dict(net.state_dict()).missing_keys == []
    again = torch.optim.Adam(other.parameters(), 0.01)
    again.load_state_dict(optimiser.state_dict())
    for _ in range(5):
        torch.manual_seed(_)
        a = step(net, optimiser)
        torch.manual_seed(_)
        assert a == step(other, again)
    for a, b in zip(net.state_dict().values(), other.state_dict().values()):
        assert torch.equal(a, b)


def test_clustered_again_is_the_same(net: Net) -> None:
    cluster_(prune_(net, 0.5), 4)
    shared = {name: weight(net, name).clone() for name in WEIGHTS}
    cluster_(net, 4)
    assert all(torch.equal(weight(net, name), shared[name]) for name in WEIGHTS)
    prune_(net, 0.75)
    assert float((weight(net, "fc") == 0).float().mean()) == pytest.approx(0.75, abs=0.01)
    cluster_(net, 1)
    assert len(torch.unique(weight(net, "fc"))) <= 3


def test_assigning_a_weight(net: Net) -> None:
    prune_(net, {"fc": 0.5})
    mask = weight(net, "fc") != 0
    net.fc.weight = torch.ones_like(net.fc.weight)
    assert torch.equal(weight(net, "fc"), mask.float())
    cluster_(net, {"conv1": 2})
    net.conv1.weight = torch.arange(net.conv1.weight.numel()).view_as(net.conv1.weight).float()
    assert len(torch.unique(weight(net, "conv1"))) <= 5


class Tied(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode = torch.nn.Embedding(30, 16)
        self.decode = torch.nn.Linear(16, 30, bias=False)
        self.decode.weight = self.encode.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.decode(self.encode(tokens))


def test_tied_weights_stay_tied() -> None:
    torch.manual_seed(2)
    net = Tied()
    prune_(net, {"decode": 0.5})
    assert torch.equal(net.encode.weight, net.decode.weight)
    cluster_(net, 4)
    optimiser = torch.optim.SGD(net.parameters(), 0.5)
    assert len(list(net.parameters())) == 1
    tokens = torch.randint(30, (50,))
    before = net.encode.weight.detach().clone()
    torch.nn.functional.cross_entropy(net(tokens), tokens).backward()
    optimiser.step()
    assert torch.equal(net.encode.weight, net.decode.weight)
    assert not torch.equal(net.encode.weight, before)
    finalize_(net)
    assert net.encode.weight is net.decode.weight and type(net.decode) is torch.nn.Linear


def test_sparse_gradients_of_embeddings() -> None:
    layer = torch.nn.Embedding(30, 16, sparse=True)
    for change in (lambda: prune_(layer, 0.5), lambda: cluster_(layer, 3)):
        change()
        optimiser = torch.optim.SGD(layer.parameters(), 0.5)
        zero = weight(layer, "") == 0
        layer(torch.tensor([1, 2, 2])).sum().backward()
        optimiser.step()
        assert torch.equal(zero, weight(layer, "") == 0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_types(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    layer = torch.nn.Linear(60, 50).to(dtype)
    cluster_(prune_(layer, 0.5), 3)
    assert layer.weight.dtype == dtype and int((layer.weight == 0).sum()) == 1500
    (layer.weight * 2).sum().backward()
    codes = layer.parametrizations.weight[0].codes.long().flatten()
    gradient = layer.parametrizations.weight.original.grad
    expected = 2.0 * torch.bincount(codes)[1:]
    assert torch.equal(gradient, expected.to(dtype))


def test_frozen_weights_stay_frozen(net: Net) -> None:
    net.fc.weight.requires_grad_(False)
    cluster_(prune_(net, 0.5), 3)
    before = weight(net, "fc").clone()
    step(net, torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.1))
    assert not net.fc.weight.requires_grad and torch.equal(weight(net, "fc"), before)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "change",
    [lambda m: prune_(m, 0.5), lambda m: prune_(m, 0.5, scope="global"), lambda m: cluster_(m, 4)],
    ids=["layer", "global", "cluster"],
)
def test_weights_that_are_no_numbers(net: Net, change: Callable[[Any], Any], bad: float) -> None:
    with torch.no_grad():
        net.up.weight[0, 0, 0, 0] = bad
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(CallError) as failure:
        change(net)
    assert failure.value.tensor == "up.weight" and failure.value.name == "InvalidArgument"
    assert list(net.state_dict()) == list(before)
    assert all(torch.equal(a, before[n]) or n == "up.weight" for n, a in net.state_dict().items())


@pytest.mark.parametrize(
    "values",
    [[], [3.0], [0.0], [2.0] * 700, [0.0] * 700, [-1e-45, 1e38, -3e38], [1.0, -1.0, 0.0, -0.0]],
    ids=["empty", "one", "zero", "equal", "zeros", "extremes", "signs"],
)
@pytest.mark.parametrize("scope", ["layer", "global"])
def test_few_weights(values: list[float], scope: str) -> None:
    layer = (
        torch.nn.Linear(len(values), 1, bias=False) if values else torch.nn.Linear(0, 4, bias=False)
    )
    original = torch.tensor(values).view(1, -1) if values else torch.empty(4, 0)
    with torch.no_grad():
        layer.weight.copy_(original)
    optimiser = torch.optim.Adam(layer.parameters())
    prune_(layer, 0.4, scope=scope)
    least = math.floor(0.4 * len(values) + 0.5)
    pruned = int((layer.weight == 0).sum())
    assert pruned == max(least, sum(value == 0 for value in values))
    layer(torch.ones(2, len(values))).sum().backward()
    optimiser.step()
    assert int((layer.weight == 0).sum()) == pruned
    cluster_(layer, 8)
    layer(torch.ones(2, len(values))).sum().backward()
    torch.optim.Adam(layer.parameters()).step()
    assert int((layer.weight == 0).sum()) == pruned


def test_arguments(net: Net) -> None:
    refused: list[tuple[type[Exception], str, Callable[[], Any]]] = [
        (ValueError, "below 1", lambda: prune_(net, 1.0)),
        (ValueError, "at least 0", lambda: prune_(net, {"fc": 0.5, "up": -0.1})),
        (ValueError, "at least 0", lambda: prune_(net, math.nan)),
        (ValueError, "scope", lambda: prune_(net, 0.5, scope="row")),
        (ValueError, "fc9", lambda: prune_(net, {"fc9*": 0.5})),
        (ValueError, "conv2", lambda: prune_(net, {"*": 0.5, "conv2": 0.1})),
        (ValueError, "bits", lambda: cluster_(net, 9)),
        (ValueError, "bits", lambda: cluster_(net, -1)),
        (ValueError, "init", lambda: cluster_(net, 4, init="random")),
        (CallError, "InvalidArgument", lambda: cluster_(net, 4, bit_price=-1.0)),
    ]
    for kind, text, work in refused:
        with pytest.raises(kind, match=text):
            work()
    assert type(net.fc) is torch.nn.Linear
    lazy = torch.nn.LazyLinear(5)
    with pytest.raises(ValueError, match="no shape yet"):
        prune_(lazy, 0.5)
    from torch.nn.utils import prune

    prune.l1_unstructured(net.fc, "weight", 0.5)
    with pytest.raises(ValueError, match="fc.weight is no parameter"):
        prune_(net, 0.5)
    with pytest.raises(ValueError, match="parametrization of its own"):
        prune_(torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(5, 5)), 0.5)
    mixed = torch.nn.Sequential(torch.nn.utils.weight_norm(torch.nn.Linear(9, 9)), net.up)
    prune_(mixed, {"0": 0.0, "*": 0.5})
    assert int((mixed[1].weight == 0).sum()) == 16
    prune_(torch.nn.ReLU(), 0.5, scope="global")


def test_attention_and_layers_of_others() -> None:
    class Conv1D(torch.nn.Module):
        """As transformers has it for GPT-2."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.randn(8, 24))

    torch.manual_seed(1)
    net = torch.nn.ModuleDict(
        {"conv": Conv1D(), "attention": torch.nn.MultiheadAttention(8, 2), "act": torch.nn.PReLU(8)}
    )
    cluster_(prune_(net, 0.5), 3)
    attention = net["attention"]
    for value in (net["conv"].weight, attention.in_proj_weight, attention.out_proj.weight):
        assert int((value == 0).sum()) == value.numel() // 2 and len(torch.unique(value)) <= 9
    assert isinstance(net["act"].weight, torch.nn.Parameter)
    x = torch.randn(3, 1, 8)
    attention(x, x, x)[0].sum().backward()
    lstm = torch.nn.LSTM(8, 8)
    assert type(prune_(lstm, 0.5)) is torch.nn.LSTM
    with pytest.raises(ValueError, match="LSTM keep"):
        prune_(lstm, {"weight_ih_l0": 0.5})


def test_overflowing_gradients_reach_a_loss_scaler(net: Net) -> None:
    cluster_(net, 4)
    (net(torch.zeros(1, 8, dtype=torch.long)).sum() * math.inf).backward()
    gradient = net.fc.parametrizations.weight.original.grad
    assert not bool(torch.isfinite(gradient).all())


def test_a_diverged_codebook_is_seen_in_the_loss(net: Net) -> None:
    cluster_(net, 4)
    with torch.no_grad():
        net.fc.parametrizations.weight.original[0] = math.nan
    loss = net(torch.zeros(1, 8, dtype=torch.long)).sum()
    assert math.isnan(float(loss))
    loss.backward()


def test_a_hostile_state_dict(net: Net) -> None:
    cluster_(net, 4)
    state = net.state_dict()
    key = "fc.parametrizations.weight.0.codes"
    state[key] = torch.full_like(state[key], 200)
    net.load_state_dict(state)
    with pytest.raises(DcfError, match="BadIndex"):
        net(torch.zeros(1, 8, dtype=torch.long))
