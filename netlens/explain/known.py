"""What was found out about a network: kept for as long as it has the same modules, and forgotten with it."""

from __future__ import annotations

from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from torch import nn

from netlens.models.model import modules_of

Known = dict[tuple[Any, ...], Any]
_KNOWN: WeakKeyDictionary[nn.Module, tuple[tuple[ReferenceType[nn.Module], ...], Known]] = WeakKeyDictionary()


def known_of(net: nn.Module) -> Known:
    """Findings about a network, by what was asked; an empty dictionary when a module was put in, taken out or replaced.

    The weights may change: a finding must not rest on them.
    """
    modules = tuple(map(ref, modules_of(net)))
    found = _KNOWN.get(net)
    if found is None or found[0] != modules:
        found = _KNOWN[net] = modules, {}
    return found[1]
