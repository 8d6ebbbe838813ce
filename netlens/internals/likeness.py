"""How alike the images of one unit are, as its layer sees them."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from netlens.internals.unit import Listener


def own(listener: Listener, outputs: dict[str, torch.Tensor], n: int) -> torch.Tensor:
    """What each image excites its own unit to: (units, n)."""
    rows = [listener.one(unit, outputs)[place * n : (place + 1) * n] for place, unit in enumerate(listener.units)]
    return torch.stack(rows)


def alike(listener: Listener, outputs: dict[str, torch.Tensor], pixels: torch.Tensor, n: int) -> torch.Tensor:
    """The mean cosine between what the images of one unit do.

    Of a neuron in a map: what all channels answer at its place, so that only what it sees counts. Of a channel: which channels answer
    together. Of a layer without maps: the pixels.
    """
    found = []
    for place, unit in enumerate(listener.units):
        rows = slice(place * n, (place + 1) * n)
        maps = outputs[unit.layer][rows]
        if maps.ndim == 4 and unit.position is not None:
            what = maps[:, :, unit.position[0], unit.position[1]]
        elif maps.ndim == 4:
            flat = maps.flatten(2)
            what = (flat @ flat.transpose(1, 2)).flatten(1)
        else:
            what = pixels[rows].flatten(1)
            what = what - what.mean(1, keepdim=True)
        cosines = normalize(what, dim=1) @ normalize(what, dim=1).T
        found.append((cosines.sum() - cosines.diagonal().sum()) / (n * (n - 1)) if n > 1 else cosines.new_tensor(torch.nan))
    return torch.stack(found)
