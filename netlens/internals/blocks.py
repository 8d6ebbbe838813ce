"""A network in a few blocks, so that a drawing of it reads at a glance."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from netlens.internals.architecture import Architecture, Layer
from netlens.internals.trace import ROOT

MOST = 12
HOLDERS = {"Sequential", "ModuleList"}
NOTHING = {"Dropout", "Dropout1d", "Dropout2d", "Identity", "StochasticDepth"}  # in evaluation mode


@dataclass(frozen=True)
class Block:
    """Some modules of a network that stand together in a drawing.

    `label` : their path. `kind` : the class of the modules. `count` : how many of that class follow each other. `then` : the kinds of
    small layers that follow and keep the size. `shape` : of the output. `skip` : whether something is added to its own input inside.
    """

    label: str
    kind: str
    paths: tuple[str, ...]
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    count: int = 1
    then: tuple[str, ...] = ()
    skip: bool = False


def blocks(architecture: Architecture, most: int = MOST) -> list[Block]:
    """Group the modules of a network into about `most` blocks, in the order of the forward pass.

    Notes
    -----
    The costliest block is opened again and again, as long as the drawing stays short. Layers that keep the size and multiply nothing,
    such as activations, normalisation and dropout, join the block before them; modules of one class with outputs of one size, side by
    side, become one block with a count.
    """
    paths = _children(architecture, ROOT) or [architecture.layers[0].path]
    while True:
        for path in sorted(_that_open(architecture, paths), key=lambda path: -_cost(architecture, path)):
            place = paths.index(path)
            inside = [*paths[:place], *_children(architecture, path), *paths[place + 1 :]]
            now, before = _joined(architecture, inside), _joined(architecture, paths)
            lost = sum(block.multiply_adds for block in before) - sum(block.multiply_adds for block in now)
            if not lost and (len(now) <= most or len(now) <= len(before)):  # work that its own code does must not vanish
                paths = inside
                break
        else:
            return _joined(architecture, paths)


def _that_open(architecture: Architecture, paths: Sequence[str]) -> list[str]:
    """The modules that hold others and are not one of several of their class: those are shown as a count."""
    kinds = {layer.path: layer.kind for layer in architecture.layers}
    several = Counter((_parent(path), kinds[path]) for path in paths)
    return [
        path
        for path in paths
        if _children(architecture, path) and (kinds[path] in HOLDERS or several[_parent(path), kinds[path]] == 1)
    ]


def _cost(architecture: Architecture, path: str) -> int:
    return sum(layer.multiply_adds for layer in architecture.below(path))


def _children(architecture: Architecture, path: str) -> list[str]:
    """The modules directly inside one that were called; modules that only hold others, such as a ModuleList, are looked through."""
    found: list[str] = []
    for layer in architecture.layers:
        if layer.path and _parent(layer.path) == path:
            if layer.calls:
                found.append(layer.path)
            elif layer.inner:
                found += _children(architecture, layer.path)
    return found


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _joined(architecture: Architecture, paths: Sequence[str]) -> list[Block]:
    """One block a module, small layers joined to the block before them, and equal neighbours joined to one."""
    by_path = {layer.path: layer for layer in architecture.layers}
    joined = [Block("input", "", (), architecture.inputs, 0, 0)]
    for path in paths:
        block = _block(architecture, by_path[path])
        last = joined[-1]
        same = math.prod(block.shape) == math.prod(last.shape) and not block.multiply_adds and not block.skip
        if same or block.kind in NOTHING:
            joined[-1] = _with(last, block)
        else:
            joined.append(block)
    runs = [list(run) for _, run in itertools.groupby(joined, key=_likeness)]
    return [run[0] if len(run) == 1 else _one(run, architecture) for run in runs]


def _likeness(block: Block) -> tuple[object, ...]:
    """What neighbours must share to become one block."""
    return (block.label,) if block.kind in HOLDERS or not block.kind else (block.kind, block.shape, _parent(block.label))


def _block(architecture: Architecture, layer: Layer) -> Block:
    inside = architecture.below(layer.path)
    shape = layer.shape or next((other.shape for other in reversed(inside) if other.shape), ())
    parameters, cost = (sum(getattr(other, key) for other in inside) for key in ("parameters", "multiply_adds"))
    skip = any(other.inner and other.operations.get("add") for other in inside)
    return Block(layer.path, layer.kind, (layer.path,), shape, parameters, cost, skip=skip)


def _with(block: Block, small: Block) -> Block:
    """A block and a small layer after it."""
    then = block.then if small.kind in block.then else (*block.then, small.kind)
    return replace(block, paths=block.paths + small.paths, parameters=block.parameters + small.parameters, then=then)


def _one(run: Sequence[Block], architecture: Architecture) -> Block:
    """One block for several that are alike; it is called by the module that holds just these, or from the first to the last."""
    around, paths = _parent(run[0].label), tuple(path for block in run for path in block.paths)
    alone = around and set(_children(architecture, around)) <= set(paths)
    label = around if alone else f"{run[0].label} – {run[-1].label.removeprefix(around + '.')}"
    return replace(
        run[0],
        label=label,
        paths=paths,
        parameters=sum(block.parameters for block in run),
        multiply_adds=sum(block.multiply_adds for block in run),
        count=len(run),
        then=run[-1].then,
        skip=any(block.skip for block in run),
    )
