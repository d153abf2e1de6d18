# SPDX-License-Identifier: Apache-2.0
"""collect_stats of torch modules whose weights it does not see, and of inputs that are none. Left out
where PyTorch is not installed."""

from __future__ import annotations

import json
import pathlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from moments_by_hand import same  # noqa: E402
from torch.nn.utils import parametrize, prune, spectral_norm, weight_norm  # noqa: E402

import dcf_codec  # noqa: E402
from dcf_codec import DcfWarning  # noqa: E402
from dcf_codec.torch import _statistics, prune_  # noqa: E402

HOOKS_SEE_KEYWORDS = _statistics._WITH_KEYWORDS


class ByKeywords(torch.nn.Module):
    """A layer and an attention, called by keywords, after a layer that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(8, 8)
        self.layer = torch.nn.Linear(8, 8)
        self.attention = torch.nn.MultiheadAttention(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer(input=self.first(x))
        mask = torch.zeros(x.shape[1], x.shape[0], dtype=torch.bool)
        found = self.attention(key_padding_mask=mask, value=x, key=x + 1, query=x[:1])
        return found[0]


@pytest.mark.skipif(HOOKS_SEE_KEYWORDS, reason="these hooks see keywords")
def test_keywords_that_hooks_do_not_see() -> None:
    x = torch.randn(5, 2, 8)
    with pytest.warns(DcfWarning, match=r"layer.weight \(its layer is called by keywords: call"):
        stats = dcf_codec.collect_stats(ByKeywords(), [x])
    assert set(stats) == {"first.weight.moments", "__metadata__"}
    with pytest.raises(ValueError, match="nothing was measured: layer.weight .*by keywords"):
        layer = torch.nn.Module()
        layer.layer = torch.nn.Linear(8, 8)
        layer.forward = lambda x: layer.layer(input=x)
        dcf_codec.collect_stats(layer, [x])


@pytest.mark.skipif(not HOOKS_SEE_KEYWORDS, reason="these hooks do not see keywords")
def test_keywords_that_hooks_see() -> None:
    x = torch.randn(5, 2, 8)
    model = ByKeywords()
    stats = dcf_codec.collect_stats(model, [x])
    after = model.first(x).detach()
    assert same(stats, "layer.weight", after.reshape(-1, 8).numpy())
    after = model.layer(after).detach()
    for moment, part in zip(
        stats["attention.in_proj_weight.moments"], (after[:1], after + 1, after)
    ):
        rows = part.reshape(-1, 8).numpy()
        assert np.allclose(moment, rows.T @ rows / len(rows), rtol=1e-5, atol=1e-5)


def test_arguments_by_name() -> None:
    """Whatever their order, and what stands before them; of a call with some of them by position."""
    q, k, v, x = "query", "key", "value", "input"
    attention, layer = torch.nn.MultiheadAttention(8, 2), torch.nn.Linear(8, 8)

    def of(module: torch.nn.Module, *values: Any, **words: Any) -> Any:
        return _statistics._multiplied(module, values, words)

    assert of(attention, key_padding_mask="mask", value=v, key=k, query=q) == [q, k, v]
    assert of(attention, q, value=v, key=k, need_weights=False) == [q, k, v]
    assert of(attention, q, k, v, "mask") == [q, k, v]
    assert of(attention, q, value=v) is None
    assert of(layer, input=x) == of(layer, x) == [x]
    assert of(layer) is of(layer, other=x) is None


# ---- What is not measured


class Functional(torch.nn.Module):
    """Layers whose weights are multiplied without a call of them."""

    def __init__(self, count: int, seen: bool = False) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(8, 8) for _ in range(count))
        self.seen = torch.nn.Linear(8, 8) if seen else torch.nn.ReLU()
        self.norm = torch.nn.LayerNorm(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.nn.functional.linear(x, layer.weight, layer.bias)
        return self.norm(self.seen(x))


def test_nothing_measured(tmp_path: pathlib.Path) -> None:
    x = torch.randn(3, 8)
    with pytest.raises(ValueError) as none:
        dcf_codec.collect_stats(Functional(5), [x], tmp_path / "s.safetensors")
    reason = "(no input reached it)"
    names = ", ".join(f"layers.{i}.weight {reason}" for i in range(3))
    assert str(none.value) == f"nothing was measured: {names} and 2 more"
    with pytest.raises(ValueError, match="nothing was measured: weight"):
        dcf_codec.collect_stats(torch.nn.Linear(8, 8), [x[:0]], tmp_path / "s.safetensors")
    other = torch.nn.MultiheadAttention(8, 2, kdim=4, vdim=6)
    with pytest.raises(ValueError, match=r"q_proj_weight \(.*kdim, vdim"):
        inputs = [(torch.randn(2, 8), torch.randn(2, 4), torch.randn(2, 6))]
        dcf_codec.collect_stats(other, inputs, tmp_path / "s.safetensors")
    assert not list(tmp_path.iterdir())


def test_some_not_measured(tmp_path: pathlib.Path) -> None:
    """The names of weights, not of biases and norms; and the file is there."""
    path = tmp_path / "s.safetensors"
    with pytest.warns(DcfWarning) as told:
        stats = dcf_codec.collect_stats(Functional(1, seen=True), [torch.randn(3, 8)], path)
    assert [str(one.message) for one in told] == [
        "no statistics, and so rounded as without data: layers.0.weight (no input reached it)"
    ]
    assert told[0].filename == __file__
    assert set(stats) == {"seen.weight.moments", "__metadata__"} and path.exists()


def test_what_is_usually_not_measured_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A table that is the last layer, too; the output projection of an attention."""
    model = torch.nn.Sequential(
        torch.nn.Embedding(20, 8),
        torch.nn.TransformerEncoderLayer(8, 2, 16),
        torch.nn.Linear(8, 20),
    )
    model[2].weight = model[0].weight
    with warnings.catch_warnings(), caplog.at_level("INFO", "dcf_codec"):
        warnings.simplefilter("error", DcfWarning)
        dcf_codec.collect_stats(model, [torch.arange(9)[None]])
    assert "2.weight: no statistics: tied" in caplog.text
    assert "1.self_attn.out_proj.weight: no statistics" in caplog.text


class Doubled(torch.nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (weight_norm, "remove_weight_norm"),
        (spectral_norm, "remove_spectral_norm"),
        (lambda layer: prune.l1_unstructured(layer, "weight", 0.5), "prune.remove"),
        (
            lambda layer: parametrize.register_parametrization(layer, "weight", Doubled()),
            "remove_parametrizations",
        ),
    ],
    ids=["weight_norm", "spectral_norm", "prune", "parametrize"],
)
def test_weights_that_something_computes(change: Callable[..., Any], remedy: str) -> None:
    """Their names are none of the state_dict."""
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # newer versions of torch have others
        change(model[0])
    x = torch.randn(3, 8)
    with pytest.warns(DcfWarning, match=rf"0.weight \(.* computes it: .*{remedy} first\)"):
        stats = dcf_codec.collect_stats(model, [x])
    assert set(stats) == {"1.weight.moments", "__metadata__"}
    with pytest.raises(ValueError, match=f"no weights whose inputs are seen: weight .*{remedy}"):
        dcf_codec.collect_stats(model[0], [x])


def test_weights_that_this_package_computes() -> None:
    model = prune_(torch.nn.Sequential(torch.nn.Linear(8, 80)), 0.5)
    stats = dcf_codec.collect_stats(model, [torch.randn(3, 8)])
    assert json.loads(stats["__metadata__"]["dcf.vectors"]) == {"0.weight": 3}


# ---- Arguments


def test_inputs_that_are_none() -> None:
    model = torch.nn.Linear(6, 4)
    x = torch.randn(5, 6)
    for wrong, remedy in (
        ({"input": x}, r"not one dict: give \[inputs\]"),
        ("inputs.npy", "not a str"),
        (pathlib.Path("inputs.npy"), "not a .*Path"),
    ):
        with pytest.raises(TypeError, match=f"^inputs is an iterable .*{remedy}"):
            dcf_codec.collect_stats(model, wrong)
    one = dcf_codec.collect_stats(model, [x])["weight.moments"]
    assert np.allclose(dcf_codec.collect_stats(model, x)["weight.moments"], one, atol=1e-6)


def test_pairs_of_a_loader() -> None:
    pairs = torch.utils.data.TensorDataset(torch.randn(8, 6), torch.zeros(8))
    loader = torch.utils.data.DataLoader(pairs, 4)
    model = torch.nn.Sequential(torch.nn.Linear(6, 4))
    with pytest.raises(
        TypeError, match=r"positional arguments .*: .*DataLoader.*x for x, _"
    ) as two:
        dcf_codec.collect_stats(model, loader)
    assert isinstance(two.value.__cause__, TypeError)
    assert same(
        dcf_codec.collect_stats(model, [x for x, _ in loader]), "0.weight", pairs.tensors[0].numpy()
    )


def test_a_failure_of_the_model_itself_has_no_hint() -> None:
    class Wrong(torch.nn.Linear):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            raise TypeError("of the model")

    with pytest.raises(TypeError, match="^of the model$"):
        dcf_codec.collect_stats(Wrong(6, 4), [(torch.randn(5, 6), torch.zeros(5))])


@pytest.mark.parametrize("force", [False, True])
def test_where_no_file_can_be(tmp_path: pathlib.Path, force: bool) -> None:
    """Found before the first input is."""

    def inputs() -> Any:
        raise AssertionError("an input was asked for")
        yield

    (tmp_path / "file").write_bytes(b"")
    for path, kind in (
        (tmp_path, IsADirectoryError),
        (tmp_path / "none" / "s.safetensors", FileNotFoundError),
        (tmp_path / "file" / "s.safetensors", NotADirectoryError),
    ):
        with pytest.raises(kind) as wrong:
            dcf_codec.collect_stats(torch.nn.Linear(6, 4), inputs(), path, force=force)
        assert wrong.value.filename == str(path) and str(path) in str(wrong.value)
