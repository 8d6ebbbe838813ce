"""Linear imputation: hidden pixels become the weighted mean of their neighbours."""

from __future__ import annotations

import torch

TOLERANCE = 1e-4  # of the right side: a hundredth of the noise that ROAD adds
ROUNDS = 1000
LOOK = 6  # rounds between two looks at which copies are done; most have small holes and are done early


def imputed(image: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Fill hidden pixels of copies of one image so that each is the weighted mean of its neighbours.

    Parameters
    ----------
    image : (C, H, W). hidden : (K, 1, H, W), boolean.

    Returns
    -------
    (K, C, H, W). Where a copy is hidden as a whole, its pixels are the mean of the image.

    Notes
    -----
    The equations are symmetric and positive; conjugate gradients solve those of all copies at once.
    """
    shown = ~hidden
    known = shown * image
    count = shown.sum((2, 3), keepdim=True)
    mean = torch.where(count > 0, known.sum((2, 3), keepdim=True) / count.clamp(min=1), image.mean((1, 2), keepdim=True))
    gaps, weight = hidden.to(image), _spread(torch.ones_like(image[:1]).unsqueeze(0))
    solution = gaps * mean
    right = gaps * _spread(known)
    residual = right - gaps * (weight * solution - _spread(solution))
    residual *= count > 0  # nothing to start from: the mean stands
    enough = TOLERANCE**2 * torch.maximum(_dot(right, right), _dot(solution, solution) * 1e-2)
    direction, size = residual.clone(), _dot(residual, residual)
    ids, filled, tiny = torch.arange(len(hidden), device=image.device), solution.clone(), torch.finfo(size.dtype).tiny
    for done in range(ROUNDS):
        if done % LOOK == 0:
            going = (size > enough).flatten(1).any(1)
            if not bool(going.all()):
                filled[ids[~going]] = solution[~going]
                if not bool(going.any()):
                    return known + filled
                kept = (part[going] for part in (ids, solution, residual, direction, size, enough, gaps))
                ids, solution, residual, direction, size, enough, gaps = kept
        image_of = gaps * (weight * direction - _spread(direction))
        step = size / _dot(direction, image_of).clamp(min=tiny)
        solution += step * direction
        residual -= step * image_of
        before, size = size, _dot(residual, residual)
        direction = residual + size / before.clamp(min=tiny) * direction
    filled[ids] = solution
    return known + filled


def _spread(images: torch.Tensor) -> torch.Tensor:
    """The weighted sum of the neighbours of each pixel, (K, C, H, W): direct ones 1/6, diagonal ones 1/12, none beyond the edge."""
    wide = torch.nn.functional.pad(images, (1, 1, 1, 1))
    rows = (wide[..., :-2] + wide[..., 2:]).add_(
        wide[..., 1:-1], alpha=2
    )  # 1 2 1 along and across, twice as fast as a convolution
    total = (rows[..., :-2, :] + rows[..., 2:, :]).add_(rows[..., 1:-1, :], alpha=2)
    return total.sub_(images, alpha=4).div_(12)


def _dot(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one * other).sum((2, 3), keepdim=True)
