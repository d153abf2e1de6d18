# SPDX-License-Identifier: Apache-2.0
"""The weights of a model that can be pruned and clustered, by name, and what stands in their
place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, TypeVar

import torch
from torch.nn.utils import parametrize

_T = TypeVar("_T")


class Compressed(torch.nn.Module):
    """A parametrization of this package: what a weight is computed from."""

    def prune(self, mask: torch.Tensor) -> None:
        """Of the kept weights keeps only those that the mask keeps, too."""
        raise NotImplementedError

    def take_zeros(self, weight: torch.Tensor) -> None:
        """Before a weight is assigned: its zeros are what is pruned."""
        raise NotImplementedError


class Place(NamedTuple):
    """An attribute of a module that holds a weight."""

    name: str  # in the model, "encoder.fc1.weight"
    module: torch.nn.Module
    attribute: str


class Weight(NamedTuple):
    """A weight; several places have it where it is tied."""

    places: list[Place]

    @property
    def name(self) -> str:
        return self.places[0].name

    def holders(self) -> list[Place]:
        """One place for each module: a module may have several names itself."""
        return list({(id(p.module), p.attribute): p for p in self.places}.values())

    def value(self) -> torch.Tensor:
        """The weight as the layer sees it, without its history."""
        with torch.no_grad():
            value: torch.Tensor = getattr(self.places[0].module, self.places[0].attribute)
        return value.detach()

    def assign(self, value: torch.Tensor) -> None:
        """Gives a compressed weight another value, whose zeros are what is pruned."""
        known = self.parametrization()
        assert known is not None
        value = value.to(self.value())
        with torch.no_grad():
            known.take_zeros(value)
            setattr(self.places[0].module, self.places[0].attribute, value)

    def parametrization(self) -> Compressed | None:
        """What this package put in its place, if it did."""
        return compressed(self.places[0])


def compressed(place: Place) -> Compressed | None:
    """The parametrization of this package at a place."""
    if not parametrize.is_parametrized(place.module, place.attribute):
        return None
    stack = place.module.parametrizations[place.attribute]
    return stack[0] if len(stack) == 1 and isinstance(stack[0], Compressed) else None


def _plain(place: Place) -> torch.Tensor | None:
    """A parameter, or what a hook computes from one."""
    value = place.module._parameters.get(place.attribute)
    return vars(place.module).get(place.attribute) if value is None else value


def _identity(place: Place) -> int:
    """The same for tied weights."""
    if parametrize.is_parametrized(place.module, place.attribute):
        return id(place.module.parametrizations[place.attribute])
    return id(_plain(place))


def _check(place: Place) -> None:
    name = place.name
    if isinstance(place.module, torch.nn.RNNBase):
        raise ValueError(
            f"{name}: layers of {type(place.module).__name__} keep their weights elsewhere, too"
        )
    if parametrize.is_parametrized(place.module, place.attribute):
        if compressed(place) is None:
            raise ValueError(f"{name} has a parametrization of its own: remove it first")
        return
    parameter = place.module._parameters.get(place.attribute)
    if parameter is None:
        raise ValueError(
            f"{name} is no parameter: first remove what computes it, such as torch.nn.utils.prune"
        )
    if isinstance(parameter, torch.nn.parameter.UninitializedParameter):
        raise ValueError(f"{name} has no shape yet: run the model once first")
    if not parameter.dtype.is_floating_point:
        raise TypeError(f"{name} has the type {parameter.dtype}, which is no floating-point type")


def _places(model: torch.nn.Module) -> Iterator[Place]:
    """All parameters, what stands in the place of some, and weights that hooks compute."""
    for prefix, module in model.named_modules(remove_duplicate=False):
        if isinstance(module, (parametrize.ParametrizationList, Compressed)):
            continue
        names = [name for name, value in module._parameters.items() if value is not None]
        names += getattr(module, "parametrizations", ())
        if isinstance(vars(module).get("weight"), torch.Tensor):
            names.append("weight")
        for name in names:
            yield Place(f"{prefix}.{name}" if prefix else name, module, name)


def _is_matrix(place: Place) -> bool:
    """Whether a place holds the weight of a linear map, a convolution, an embedding or the like.
    What has one dimension is a bias or scales."""
    if place.attribute != "weight" and not place.attribute.endswith("_weight"):
        return False
    parameter = _plain(place)
    if parameter is not None:
        lazy = isinstance(parameter, torch.nn.parameter.UninitializedParameter)
        return bool(lazy or parameter.dim() >= 2)
    known = compressed(place)
    return known is None or next(known.buffers()).dim() >= 2


def compressed_places(model: torch.nn.Module) -> list[Place]:
    """The places where this package computes a weight; tied weights have several."""
    return [place for place in _places(model) if compressed(place) is not None]


def _matches(pattern: str, place: Place) -> bool:
    if pattern == place.name:
        return True
    names = (place.name, place.name.rpartition(".")[0])
    return _is_matrix(place) and any(fnmatchcase(name, pattern) for name in names)


def select(model: torch.nn.Module, wanted: _T | Mapping[str, _T]) -> list[tuple[_T, list[Weight]]]:
    """The weights of each entry of `wanted`, in the order of the model.

    wanted: a value for all weights of two and more dimensions; or pattern -> value, of which the
        first that matches counts. A pattern of fnmatch matches the names of modules ("fc1") and of
        such weights ("fc1.weight"); other parameters are matched by their exact name only.

    ValueError for a pattern without a weight, and for weights that are not plain parameters, unless
    their value is 0.
    """
    entries = dict(wanted) if isinstance(wanted, Mapping) else {"*": wanted}
    found: dict[str, list[Weight]] = {pattern: [] for pattern in entries}
    seen = set() if isinstance(wanted, Mapping) else set(entries)
    ties: dict[int, Weight] = {}
    for place in _places(model):
        ties.setdefault(_identity(place), Weight([])).places.append(place)
    for place in _places(model):
        pattern = next((p for p in entries if _matches(p, place)), None)
        if pattern is None:
            continue
        if entries[pattern]:
            _check(place)
        seen.add(pattern)
        weight = ties.pop(_identity(place), None)
        if weight is not None:
            found[pattern].append(weight)
    for pattern in entries:
        if pattern not in seen:
            raise ValueError(f"the model has no weight {pattern!r} that no earlier pattern matched")
    return [(entries[pattern], weights) for pattern, weights in found.items()]


def _own_class(module: torch.nn.Module) -> None:
    """torch gives a parametrized module a class with a property for the weight. A deep copy has the
    same class, so that what is done to one would be done to both: this one gets a class of its
    own."""
    if not parametrize.is_parametrized(module):
        return
    cls = type(module)
    content = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__")}
    module.__class__ = type(cls.__name__, cls.__bases__, content)


def install(weight: Weight, parametrization: Compressed) -> Any:
    """Computes the weight by a parametrization from now on, at all its places. Returns the
    ParametrizationList, whose `original` is the parameter object that the weight was: an optimiser
    goes on with it."""
    restore(weight)
    first, *others = weight.holders()
    for place in (first, *others):
        _own_class(place.module)
    parametrize.register_parametrization(first.module, first.attribute, parametrization)
    stack = first.module.parametrizations[first.attribute]
    stack.original.grad = None
    for place in others:
        # torch ties parameters, not parametrizations: this one gets a stand-in, then the list of
        # the first.
        place.module._parameters[place.attribute] = torch.nn.Parameter(weight.value())
        parametrize.register_parametrization(place.module, place.attribute, torch.nn.Identity())
        place.module.parametrizations[place.attribute] = stack
    return stack


def restore(weight: Weight) -> None:
    """Makes the weight a plain parameter again, with the value it has."""
    if weight.parametrization() is None:
        return
    for n, place in enumerate(weight.holders()):
        _own_class(place.module)
        parametrize.remove_parametrizations(
            place.module, place.attribute, leave_parametrized=n == 0
        )
    first = weight.places[0]
    first.module._parameters[first.attribute].grad = None
