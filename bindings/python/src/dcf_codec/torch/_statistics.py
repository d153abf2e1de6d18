# SPDX-License-Identifier: Apache-2.0
"""What the weights of a torch module multiply, by forward hooks; for dcf_codec.calibration."""

from __future__ import annotations

import contextlib
import inspect
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.utils import parametrize

from ..calibration._model import Sink
from ..calibration._moments import Arrays, NumpyBlocks, Weight
from ..calibration._noise import Shape
from ..calibration._windows import Sampler, columns
from ._io import save_file
from ._layers import Place, compressed
from ._model import plain_state_dict

__all__ = ["TorchModel"]

_WITH_KEYWORDS = (
    "with_kwargs" in inspect.signature(torch.nn.Module.register_forward_pre_hook).parameters
)
_BY_KEYWORDS = "its layer is called by keywords: call it by position" + (
    "" if _WITH_KEYWORDS else ", or use PyTorch 2"
)
_CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
_TOKENS = 32  # of a sequence of noise
_PIXELS = 224


class _TorchBlocks:
    """Tensors on their device."""

    _on_cpu = NumpyBlocks()

    def second(self, block: torch.Tensor) -> torch.Tensor:
        if block.device.type == "cpu":  # NumPy knows that the product is symmetric
            return torch.from_numpy(self._on_cpu.second(block.numpy()))
        return (block.permute(1, 2, 0) @ block.permute(1, 0, 2)).double()

    def vectors(self, block: torch.Tensor) -> torch.Tensor:
        wide = block.double()
        return torch.stack([wide.sum(0), wide.square().sum(0)])

    def join(self, blocks: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(blocks)

    def finite(self, values: torch.Tensor) -> bool:
        return bool(torch.isfinite(values).all())

    def numpy(self, sums: torch.Tensor) -> np.ndarray:
        array: np.ndarray = sums.cpu().numpy()
        return array


def _is_transposed_linear(module: torch.nn.Module) -> bool:
    """Conv1D of transformers (GPT-2): a fully connected layer whose weight is [inputs, outputs]."""
    return type(module).__name__ == "Conv1D" and hasattr(module, "nf")


def _weight_of(name: str, module: torch.nn.Module) -> Weight | None:
    """The weight of a module whose inputs are those of the module."""
    stem = name + "." if name else ""
    if isinstance(module, torch.nn.Linear):
        return Weight(stem + "weight", 1, module.in_features, False)
    if isinstance(module, _CONVOLUTIONS):
        cols = int(np.prod(module.weight.shape[1:]))
        return Weight(stem + "weight", module.groups, cols, False)
    if _is_transposed_linear(module):
        return Weight(stem + "weight", 1, module.weight.shape[0], True)
    if isinstance(module, torch.nn.MultiheadAttention) and module.in_proj_weight is not None:
        # Rows for queries, keys and values, each of an input of its own.
        return Weight(stem + "in_proj_weight", 3, module.embed_dim, False)
    return None


def _unseen(name: str, module: torch.nn.Module) -> dict[str, str]:
    """Weights of a module that multiply what its hooks do not see or do not tell apart, and why."""
    if not isinstance(module, torch.nn.MultiheadAttention) or module.in_proj_weight is not None:
        return {}
    stem = name + "." if name else ""
    why = "its attention has widths of its own for keys and values (kdim, vdim)"
    return {f"{stem}{kind}_proj_weight": why for kind in "qkv"}


def _computed(place: Place) -> str:
    """Why a weight is none of the state_dict: what computes it, and how to end that. "" where it is
    one, or this package computes it and saves it under its name."""
    module, attribute = place.module, place.attribute
    if compressed(place) is not None:
        return ""
    if parametrize.is_parametrized(module, attribute):
        return "a parametrization computes it: torch.nn.utils.parametrize.remove_parametrizations first"
    if attribute in module._parameters or attribute in module._buffers:
        return ""
    if f"{attribute}_g" in module._parameters:
        return "weight_norm computes it: torch.nn.utils.remove_weight_norm first"
    if f"{attribute}_mask" in module._buffers:
        return "pruning computes it: torch.nn.utils.prune.remove first"
    if f"{attribute}_orig" in module._parameters:
        return "spectral_norm computes it: torch.nn.utils.remove_spectral_norm first"
    return "it is no parameter of its layer"


def _rows(x: torch.Tensor, sample: Sampler) -> torch.Tensor:
    rows = x.detach().reshape(-1, x.shape[-1])
    return rows[torch.from_numpy(sample(len(rows))).to(x.device)].float()


def _conv_block(module: Any, x: torch.Tensor, sample: Sampler) -> torch.Tensor:
    space = len(module.kernel_size)
    x = x.detach()
    if x.dim() == space + 1:
        x = x.unsqueeze(0)
    zeros = module.padding_mode == "zeros"
    pads = module._reversed_padding_repeated_twice
    x = torch.nn.functional.pad(x, pads, mode="constant" if zeros else module.padding_mode)
    for axis, (k, stride, d) in enumerate(
        zip(module.kernel_size, module.stride, module.dilation), start=2
    ):
        x = x.unfold(axis, d * (k - 1) + 1, stride)[..., ::d]
    index = lambda axis: torch.from_numpy(axis).to(x.device)  # noqa: E731
    block: torch.Tensor = columns(x, space, module.groups, sample, index)
    return block.float()


def _multiplied(
    module: torch.nn.Module, values: tuple[Any, ...], words: Mapping[str, Any]
) -> list[Any] | None:
    """The tensors that a module's weight multiplies, of the arguments of a call: its input; of an
    attention query, key and value. None where they are not among them."""
    count = 3 if isinstance(module, torch.nn.MultiheadAttention) else 1
    found = list(values[:count])
    if len(found) < count:
        names = list(inspect.signature(module.forward).parameters)[len(found) : count]
        found += [words[name] for name in names if name in words]
    return found if len(found) == count else None


def _block(module: torch.nn.Module, inputs: list[Any], sample: Sampler) -> Any:
    """[vectors, groups, cols] in float32, a new tensor. Of an attention three, [vectors, 1, cols]:
    queries, keys and values may differ in number."""
    if isinstance(module, _CONVOLUTIONS):
        return _conv_block(module, inputs[0], sample)
    if isinstance(module, torch.nn.MultiheadAttention):
        taken: dict[int, torch.Tensor] = {}
        for x in inputs:
            if id(x) not in taken:
                taken[id(x)] = _rows(x, sample)[:, None]
        return [taken[id(x)] for x in inputs]
    return _rows(inputs[0], sample)[:, None]


def _floats(output: Any) -> Iterator[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        if output.is_floating_point():
            yield output
    elif isinstance(output, Mapping):
        for value in output.values():
            yield from _floats(value)
    elif isinstance(output, (list, tuple)):
        for value in output:
            yield from _floats(value)


class TorchModel:
    """A torch.nn.Module, on whatever device it is."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._parts: list[tuple[torch.nn.Module, Weight]] = []
        self.left_out: dict[str, str] = {}
        self.usual: set[str] = set()
        self.arrays: Arrays = _TorchBlocks()
        tables = {
            id(part.weight) for part in model.modules() if isinstance(part, torch.nn.Embedding)
        }
        projections = {  # which their attentions multiply without a call
            id(part.out_proj)
            for part in model.modules()
            if isinstance(part, torch.nn.MultiheadAttention)
        }
        seen: dict[int, Weight] = {}
        for name, part in model.named_modules():
            self.left_out.update(_unseen(name, part))
            weight = _weight_of(name, part)
            if weight is None:
                continue
            attribute = weight.name.rpartition(".")[2]
            if computed := _computed(Place(weight.name, part, attribute)):
                self.left_out[weight.name] = computed
                continue
            # A parametrized weight is computed anew each time: it is its module's alone.
            value = getattr(part, attribute)
            tied = isinstance(value, torch.nn.Parameter)
            if tied and id(value) in tables:
                self.left_out[weight.name] = "tied to an embedding"
                self.usual.add(weight.name)
                continue
            if id(part) in projections:
                self.usual.add(weight.name)
            first = seen.setdefault(id(value) if tied else id(part), weight)
            if first[1:] == weight[1:]:
                self._parts.append((part, first))
        self.weights = list({weight.name: weight for _, weight in self._parts}.values())

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """In evaluation mode, without gradients, and each layer by itself: not those of a
        TransformerEncoderLayer at once, which hooks would not see."""
        training = [part for part in self._model.modules() if part.training]
        fused = [
            (part, part.activation_relu_or_gelu)
            for part in self._model.modules()
            if isinstance(part, torch.nn.TransformerEncoderLayer)
            and hasattr(part, "activation_relu_or_gelu")
        ]
        try:
            self._model.eval()
            for part, _ in fused:
                part.activation_relu_or_gelu = 0
            with torch.no_grad():
                yield
        finally:
            for part, value in fused:
                part.activation_relu_or_gelu = value
            for part in training:
                part.training = True

    def _device(self) -> torch.device:
        first = next(self._model.parameters(), None)
        return torch.device("cpu") if first is None else first.device

    def _tensor(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(value)
        return value.to(self._device()) if isinstance(value, torch.Tensor) else value

    def _run(self, inputs: Any) -> Any:
        if isinstance(inputs, Mapping) and 0 in inputs:  # noise, by position
            inputs = list(inputs.values())
        if isinstance(inputs, Mapping):
            return self._model(**{name: self._tensor(x) for name, x in inputs.items()})
        values = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        try:
            return self._model(*map(self._tensor, values))
        except TypeError as error:
            if len(values) < 2 or _takes(self._model, len(values)):
                raise
            raise TypeError(
                f"{error}: an input of {len(values)} values is that many arguments of the model; of "
                "the pairs of a DataLoader give the first, [x for x, _ in loader]"
            ) from error

    def observe(self, inputs: Any, sink: Sink, sample: Sampler) -> None:
        handles = []
        try:
            for part, weight in self._parts:
                handles.append(_hook(part, self._watch(weight, sink, sample)))
            self._run(inputs)
        finally:
            for handle in handles:
                handle.remove()

    def _watch(self, weight: Weight, sink: Sink, sample: Sampler) -> Callable[..., None]:
        def watch(part: torch.nn.Module, values: tuple[Any, ...], words: Any = None) -> None:
            multiplied = _multiplied(part, values, words or {})
            if multiplied is None:
                self.left_out[weight.name] = _BY_KEYWORDS
            else:
                sink(weight, _block(part, multiplied, sample))

        return watch

    def outputs(self, inputs: Any) -> list[np.ndarray]:
        return [x.float().cpu().numpy() for x in _floats(self._run(inputs))]

    def save(self, folder: pathlib.Path) -> pathlib.Path:
        path = folder / "model.dcf"
        save_file({k: v.cpu() for k, v in plain_state_dict(self._model).items()}, path)
        return path

    def tensors(self, names: list[str]) -> Iterator[tuple[str, np.ndarray]]:
        state = self._model.state_dict()
        for name in names:
            if name in state:
                yield name, state[name].float().cpu().numpy()

    @contextlib.contextmanager
    def replaced(self, name: str, value: np.ndarray) -> Iterator[None]:
        target = self._model.state_dict()[name]
        before = target.clone()
        try:
            target.copy_(torch.from_numpy(value))
            yield
        finally:
            target.copy_(before)

    def noise_shapes(self, given: Any) -> list[Shape]:
        first = next((part for part in self._model.modules() if _own_weight(part)), None)
        table = first.num_embeddings if isinstance(first, torch.nn.Embedding) else 0
        dtype = "int64" if table else "float32"
        if given is not None:
            shapes = given if isinstance(given, Mapping) else dict(enumerate(given))
            return [Shape(name, tuple(dims), table, dtype) for name, dims in shapes.items()]
        dims: tuple[int, ...] | None = None
        if isinstance(first, torch.nn.Embedding):
            dims = (1, _TOKENS)
        elif isinstance(first, torch.nn.Conv2d):
            dims = (1, first.in_channels, _PIXELS, _PIXELS)
        elif isinstance(first, torch.nn.Linear):
            dims = (1, first.in_features)
        if dims is None:
            raise ValueError(
                "without inputs the model needs input_shapes, such as [(1, 3, 224, 224)]"
            )
        return [Shape(0, dims, table, dtype)]


def _takes(model: torch.nn.Module, count: int) -> bool:
    """Whether a model may be called with so many arguments."""
    try:
        inspect.signature(model.forward).bind(*range(count))
    except TypeError:
        return False
    return True


def _own_weight(part: torch.nn.Module) -> bool:
    return any(True for _ in part.parameters(recurse=False))


def _hook(part: torch.nn.Module, watch: Callable[..., None]) -> Any:
    if _WITH_KEYWORDS:
        return part.register_forward_pre_hook(watch, with_kwargs=True)
    return part.register_forward_pre_hook(watch)
