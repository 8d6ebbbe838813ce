"""Draws of a row's own: fixed by the seed and the row itself, so that rows are independent and a batch gives what its rows give."""

from __future__ import annotations

import hashlib

import torch

from netlens.seeding import generator


def row_generator(seed: int, row: torch.Tensor) -> torch.Generator:
    """Make a generator that a seed and the bytes of one input fix.

    Rows that shared their draws would not be independent, and the interval of their mean too narrow; draws that depend on the place in
    the batch would give another answer to the same input.
    """
    told = row.detach().float().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    digest = hashlib.sha256(told + str(seed).encode()).digest()
    return generator(int.from_bytes(digest[:8], "big") >> 1)


def positions(values: torch.Tensor, n_random: int, draw: torch.Generator) -> torch.Tensor:
    """Place of each feature in a ranking, the greatest value first, and in random ones: values (P,) -> (1 + n_random, P).

    Equal values are ranked at random: an attribution that is the same everywhere is itself a random ranking.
    """
    shuffles = [torch.randperm(len(values), generator=draw) for _ in range(n_random + 1)]
    order = shuffles[0][values[shuffles[0]].argsort(descending=True, stable=True)]
    found = torch.empty(n_random + 1, len(values), dtype=torch.int32)
    ids = torch.arange(len(values), dtype=torch.int32)
    for place, ranking in zip(found, [order, *shuffles[1:]], strict=True):
        place[ranking] = ids
    return found
