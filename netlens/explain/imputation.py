"""Linear imputation: hidden pixels become the weighted mean of their neighbours."""

from __future__ import annotations

import math

import torch

TOLERANCE = 2e-3  # root mean square of what a copy's hidden pixels may miss, as a share of the image's range: half a grey level
ROUNDS = 1000
LOOK = 3  # rounds between two looks at which copies are done; most have small holes and are done early
DROP = 0.25  # share of the copies that must be done before they are taken out, which costs about half a round
LANE = 16  # numbers; rows of a multiple begin where the processor loads fastest


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
    Direct neighbours weigh 1/6, diagonal ones 1/12; there are none beyond the edge. The equations are symmetric and positive; conjugate
    gradients solve those of all copies at once, times 12, so that the weights are whole numbers, and with a frame of zeros around each
    copy, so that all copies are one long row of numbers. After k rounds the error is about k times the residual over the diagonal,
    whatever the holes look like: large ones need more rounds, and what is left of their error is smoother. A copy is done when twice
    that is below the tolerance. What becomes of a copy does not depend on the others.
    """
    height, width = image.shape[1:]
    frame = (1, -(-(width + 2) // LANE) * LANE - width - 1, 1, 1)
    whole, ones = (torch.nn.functional.pad(part, frame) for part in (image, torch.ones_like(image[:1])))
    inner = (..., slice(1, height + 1), slice(1, width + 1))
    gaps = whole.new_zeros(len(hidden), 1, *whole.shape[1:])
    gaps[inner] = hidden
    filled = torch.addcmul(whole, whole, gaps, value=-1)
    holes = gaps.sum((2, 3), keepdim=True)
    shown = height * width - holes
    mean = torch.where(shown > 0, filled.sum((2, 3), keepdim=True) / shown.clamp(min=1), image.mean((1, 2)).view(-1, 1, 1))
    sums, solution = _Sums(gaps.expand_as(filled)), gaps * mean
    own = _Sums(ones)(ones)
    residual = sums(filled + solution).addcmul(own, solution, value=-1).mul_(gaps)
    direction, size, tiny = residual.clone(), _size(residual), torch.finfo(image.dtype).tiny
    scale = max(float(image.max() - image.min()), float(image.abs().max()) / 100)
    enough = (16 * TOLERANCE * scale / 2) ** 2 * holes
    ids, least, going = torch.arange(len(hidden), device=image.device), torch.full_like(holes, -tiny), shown > 0
    for done in range(ROUNDS):
        if done % LOOK == 0:
            going &= (size * max(1, done) ** 2 > enough).any(1, keepdim=True)
            left = int(going.sum())
            if left <= (1 - DROP) * len(ids):
                stays, chosen = (part.flatten().nonzero().flatten() for part in (~going, going))
                filled[ids[stays]] += solution[stays]
                ids, going, size, enough, least = (part[chosen] for part in (ids, going, size, enough, least))
                solution, residual, direction, gaps = (part[chosen] for part in (solution, residual, direction, gaps))
                sums = _Sums(direction)
            if not left:
                break
            least.masked_fill_(~going, -math.inf)  # no step for those that are done
        product = sums(direction).addcmul_(own, direction, value=-1).mul_(gaps)  # below 0: the direction times less the matrix
        step = size / (direction * product).sum((2, 3), keepdim=True).clamp_(max=least)
        solution.addcmul_(step, direction, value=-1)
        residual.addcmul_(step, product, value=-1)
        before, size = size, _size(residual)
        direction.mul_(size / before.clamp_(min=tiny)).add_(residual)
    filled[ids] += solution
    return filled[inner]


class _Sums:
    """The sums of the 3 x 3 pixels around each pixel of framed images, weighing 1 2 1 each way; on the frame they mean nothing."""

    def __init__(self, like: torch.Tensor) -> None:
        self._found = torch.zeros(like.shape, dtype=like.dtype, device=like.device)
        found, pairs = self._found.view(-1), torch.zeros_like(self._found).view(-1)
        row = like.shape[-1]
        self._pairs = pairs[:-1]
        self._steps = (
            (pairs[1:-1], pairs[:-2], found[1:-1]),
            (found[:-row], found[row:], pairs[:-row]),
            (pairs[row:-row], pairs[: -2 * row], found[row:-row]),
        )

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """The sums, in a tensor that the next call uses again; several times as fast as a convolution."""
        flat = images.view(-1)
        torch.add(flat[:-1], flat[1:], out=self._pairs)  # each pixel and the next, twice: 1 1 after 1 1 is 1 2 1
        for one, other, out in self._steps:
            torch.add(one, other, out=out)
        return self._found


def _size(images: torch.Tensor) -> torch.Tensor:
    sizes: torch.Tensor = torch.linalg.vector_norm(images, dim=(2, 3), keepdim=True)
    return sizes.square_()
