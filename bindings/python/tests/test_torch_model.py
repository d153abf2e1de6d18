# SPDX-License-Identifier: Apache-2.0
"""Models of PyTorch there and back: save_model, load_model, plain_state_dict. Left out where
PyTorch is not installed."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import dcf_codec  # noqa: E402
from dcf_codec.torch import (  # noqa: E402
    cluster_,
    finalize_,
    load_file,
    load_model,
    plain_state_dict,
    prune_,
    safe_open,
    save_file,
    save_model,
)


class Net(torch.nn.Module):
    """Tied weights, a buffer that counts, and a layer without a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(200, 48)
        self.norm = torch.nn.BatchNorm1d(48)
        self.body = torch.nn.Linear(48, 48, bias=False)
        self.head = torch.nn.Linear(48, 200)
        self.head.weight = self.embed.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.body(self.norm(self.embed(tokens)))))


NAMES = sorted(Net().state_dict())


@pytest.fixture
def tokens() -> torch.Tensor:
    torch.manual_seed(4)
    return torch.randint(200, (16,))


def make(stage: str, tokens: torch.Tensor) -> Net:
    """A network that was pruned or clustered, and trained on."""
    torch.manual_seed(1)
    net = Net()
    if stage != "dense":
        prune_(net, 0.8)
    if stage == "clustered":
        cluster_(net, 5)
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(3):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(tokens), tokens).backward()
        optimiser.step()
    return net.eval()


@pytest.mark.parametrize("target", ["dense", "pruned", "clustered"])
@pytest.mark.parametrize("stage", ["dense", "pruned", "clustered"])
def test_models(stage: str, target: str, tokens: torch.Tensor, tmp_path: pathlib.Path) -> None:
    net = make(stage, tokens)
    path = tmp_path / "m.dcf"
    save_model(net, path, {"stage": stage})
    with safe_open(path, framework="pt") as f:
        assert sorted(f.keys()) == NAMES and f.metadata() == {"stage": stage}
        places = [f.info(name) for name in ("embed.weight", "head.weight")]
        assert [info.alias_of is None for info in places] == [True, False]
        if stage == "clustered":
            assert places[0].values == "palette" and places[0].codebook_size <= 32
    state = plain_state_dict(net)
    assert sorted(state) == NAMES and state["embed.weight"] is not None
    assert all(torch.equal(value, state[name]) for name, value in load_file(path).items())

    other = make(target, tokens)
    if target == "clustered" and stage != "clustered":
        # The values are too many for the codebook: they are clustered as those before.
        assert load_model(other, path) == ([], [])
        zero = other.embed.weight == 0
        assert torch.equal(zero, net.embed.weight == 0)
        assert len(torch.unique(other.embed.weight)) <= 33
        return
    assert load_model(other, path) == ([], [])
    assert torch.equal(other(tokens), net(tokens))
    assert torch.equal(other.embed.weight, other.head.weight)
    if target != "dense":
        zero = other.embed.weight == 0
        optimiser = torch.optim.SGD(other.parameters(), 0.1)
        torch.nn.functional.cross_entropy(other(tokens), tokens).backward()
        optimiser.step()
        assert torch.equal(zero, other.embed.weight == 0)


def test_the_state_dict_is_an_ordinary_one(tokens: torch.Tensor) -> None:
    net = make("clustered", tokens)
    state = plain_state_dict(net)
    assert state["embed.weight"].data_ptr() == state["head.weight"].data_ptr()
    other = Net().eval()
    assert other.load_state_dict(state).missing_keys == []
    assert torch.equal(other(tokens), net(tokens))


def test_a_clustered_file_is_as_small_as_the_programs(
    tokens: torch.Tensor, tmp_path: pathlib.Path
) -> None:
    """The program's own clustering of the same weights is the measure."""
    torch.manual_seed(1)
    net = torch.nn.Sequential(
        torch.nn.Linear(300, 200, bias=False), torch.nn.Linear(200, 100, bias=False)
    )
    for sparsity in (0.0, 0.9):
        prune_(net, sparsity)
        save_file(plain_state_dict(net), tmp_path / "dense.dcf")
        dcf_codec.compress(tmp_path / "dense.dcf", tmp_path / "theirs.dcf", bits=4, force=True)
        cluster_(net, 4)
        save_model(net, tmp_path / "ours.dcf")
        sizes = [(tmp_path / name).stat().st_size for name in ("ours.dcf", "theirs.dcf")]
        assert sizes[0] <= sizes[1] + 64


def test_names_and_shapes(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.dcf"
    net = Net()
    state = plain_state_dict(net)
    del state["head.weight"]  # as safetensors leaves out one of two tied names
    save_file(state, path)
    for other in (Net(), prune_(Net(), 0.1)):
        assert load_model(other, path) == ([], [])
        assert torch.equal(other.head.weight, net.head.weight)

    del state["body.weight"]
    save_file({**state, "extra": torch.zeros(3)}, path)
    for other in (Net(), prune_(Net(), 0.1), cluster_(Net(), 3)):
        before = other.norm.weight.clone()
        with pytest.raises(RuntimeError, match="body.weight.*extra"):
            load_model(other, path)
        assert torch.equal(other.norm.weight, before)
        assert load_model(other, path, strict=False) == (["body.weight"], ["extra"])
    for name in ("embed.weight", "norm.bias"):
        save_file({**state, name: torch.zeros(7)}, path)
        for other in (Net(), prune_(Net(), 0.1)):
            with pytest.raises(RuntimeError, match=name):
                load_model(other, path, strict=False)


def test_a_file_trains_on(tokens: torch.Tensor, tmp_path: pathlib.Path) -> None:
    net = make("clustered", tokens)
    save_model(net, tmp_path / "m.dcf")
    again = Net()
    load_model(again, tmp_path / "m.dcf")
    cluster_(again.eval(), 5)
    assert torch.equal(again(tokens), net(tokens))
    for model in (net, again):
        stack = model.body.parametrizations.weight
        values = torch.unique(stack.original.detach())
        assert np.array_equal(
            values, torch.unique(model.body.weight[model.body.weight != 0].detach())
        )


def test_a_module_of_two_names(tmp_path: pathlib.Path) -> None:
    layer = torch.nn.Linear(40, 30)
    net = torch.nn.ModuleDict({"a": layer, "b": layer, "c": torch.nn.Linear(40, 30)})
    net["c"].weight = layer.weight
    names = sorted(net.state_dict())
    cluster_(prune_(net, {"b": 0.5}), {"b": 3})
    state = plain_state_dict(net)
    assert sorted(state) == names
    assert state["a.weight"] is state["b.weight"] is state["c.weight"]
    save_model(net, tmp_path / "m.dcf")
    assert load_model(net, tmp_path / "m.dcf") == ([], [])
    finalize_(net)
    assert sorted(net.state_dict()) == names and net["c"].weight is layer.weight
    assert torch.equal(layer.weight, state["a.weight"])
    assert load_model(net, tmp_path / "m.dcf") == ([], [])


def test_a_price_is_paid_once(tmp_path: pathlib.Path) -> None:
    net = Net()
    cluster_(net, 5, bit_price=1e-3)
    state = plain_state_dict(net)
    save_model(net, tmp_path / "m.dcf")
    load_model(net, tmp_path / "m.dcf")
    assert all(torch.equal(value, state[name]) for name, value in plain_state_dict(net).items())
