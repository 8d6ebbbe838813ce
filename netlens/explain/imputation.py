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
    Direct neighbours weigh 1/6, diagonal ones 1/12; there are none beyond the edge. The equations are symmetric and positive; conjugate
    gradients solve those of all copies at once, times 12, so that the weights are whole numbers, and with a frame of zeros around each
    copy, so that all copies are one long row of numbers.
    """
    shown = ~hidden
    known = shown * image
    count = shown.sum((2, 3), keepdim=True)
    mean = torch.where(count > 0, known.sum((2, 3), keepdim=True) / count.clamp(min=1), image.mean((1, 2), keepdim=True))
    framed, gaps, sums = _framed(known), _framed(hidden.to(image)), _Sums(image.shape[2] + 2)
    own = sums(_framed(torch.ones_like(image[:1]).unsqueeze(0))).clone()
    right = sums(framed) * gaps
    solution = gaps * mean
    residual = (right + sums(solution)).addcmul_(own, solution, value=-1).mul_(gaps)
    residual *= count > 0  # nothing to start from: the mean stands
    direction, size, tiny = residual.clone(), _size(residual), torch.finfo(image.dtype).tiny
    enough = TOLERANCE**2 * torch.maximum(_size(right), _size(solution) * 1.44)
    ids = torch.arange(len(hidden), device=image.device)
    for done in range(ROUNDS):
        if done % LOOK == 0:
            going = (size > enough).flatten(1).any(1)
            if not bool(going.all()):
                framed[ids[~going]] += solution[~going]
                ids, chosen = ids[going], going.nonzero().flatten()
                kept = (part.index_select(0, chosen) for part in (solution, residual, direction, size, enough, gaps))
                solution, residual, direction, size, enough, gaps = kept
            if not len(ids):
                break
        product = sums(direction).addcmul_(own, direction, value=-1).mul_(gaps)  # below 0: the direction times less the matrix
        step = size / (direction * product).sum((2, 3), keepdim=True).clamp_(max=-tiny)
        solution.addcmul_(step, direction, value=-1)
        residual.addcmul_(step, product, value=-1)
        before, size = size, _size(residual)
        direction.mul_(size / before.clamp_(min=tiny)).add_(residual)
    framed[ids] += solution
    return framed[..., 1:-1, 1:-1]


def _framed(images: torch.Tensor) -> torch.Tensor:
    """Images with a frame of zeros, one pixel wide."""
    return torch.nn.functional.pad(images, (1, 1, 1, 1))


class _Sums:
    """The sums of the 3 x 3 pixels around each pixel of framed images, weighing 1 2 1 each way; on the frame they mean nothing."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows, self._found = torch.empty(0), torch.empty(0)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """The sums, in a tensor that the next call uses again; twice as fast as a convolution."""
        if self._found.shape != images.shape:
            self._rows, self._found = images.new_zeros(images.shape), images.new_zeros(images.shape)
        source = images.contiguous().view(-1)
        for shift, target in ((1, self._rows.view(-1)), (self._width, self._found.view(-1))):
            inner = target[shift:-shift]
            torch.add(source[: -2 * shift], source[2 * shift :], out=inner).add_(source[shift:-shift], alpha=2)
            source = target
        return self._found


def _size(images: torch.Tensor) -> torch.Tensor:
    sizes: torch.Tensor = torch.linalg.vector_norm(images, dim=(2, 3), keepdim=True)
    return sizes.square_()
