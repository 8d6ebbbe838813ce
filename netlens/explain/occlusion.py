"""Occlusion: cover one place after another, and see how far the logit falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Question, Target, asking, params_of
from netlens.explain.imputation import imputed
from netlens.explain.numbers import exact
from netlens.explain.perturbation import Stream
from netlens.explain.precision import Precision
from netlens.explain.replacement import Replacement, imputes, replacement
from netlens.models.model import Model


@dataclass(frozen=True)
class Occlusion:
    """Slide a window over the input, hide what is under it, and measure how far the logit falls.

    An element's value is the mean fall over the windows that cover it, divided by the elements of a window: so the values under
    windows that do not overlap add up to what hiding them one at a time takes away.

    Parameters
    ----------
    patch : side of the window in pixels, or its length in steps or columns; None for a seventh of an image, and one step.
    stride : how far it moves; None for half the patch. The last window ends at the edge.
    replacement : what is put in its place; see `netlens.explain.replacement`. With `inpaint` each window is filled from its surroundings.
    precision : `float32`, or `auto` for bfloat16 where a trial shows the same ranking; see `netlens.explain.precision`.

    Notes
    -----
    Cost: one forward pass a window, and one more. A window under which nothing changes costs none, unless it is inpainted: that takes a
    system of equations too. Windows run along the height and the width of images (N, C, H, W), and along axis 1 of sequences and
    tables. `params["falls"]` (N, windows) holds the falls.

    References
    ----------
    Zeiler and Fergus 2013, arXiv:1311.2901.
    """

    name: ClassVar[str] = "occlusion"
    reference: ClassVar[str] = "arXiv:1311.2901"
    family: ClassVar[str] = "perturbation"
    needs: ClassVar[str] = "forward passes"
    cost: ClassVar[str] = "1 forward for each window"
    gives: ClassVar[str] = "logits per element, signed"

    patch: int | None = None
    stride: int | None = None
    replacement: Replacement = None
    precision: Precision = "float32"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits per element."""
        with asking(model, inputs, target, "Occlusion", tokens=True) as question:
            windows = _windows(question, self.patch, self.stride)
            hidden: torch.Tensor | None = None
            chosen = "inpaint"
            if not imputes(self.replacement, question.inputs):
                hidden, chosen = replacement(self.replacement, model, question.inputs, None, "Occlusion")
            falls = windows.falls(question, Stream(question, self.precision), hidden)
            params = {**params_of(self), "patch": windows.patch, "stride": windows.stride, "replacement": chosen, "falls": falls}
            values = windows.mean(falls).view(len(falls), *windows.view).expand(question.inputs.shape)
            return Attribution(values.float().contiguous(), question.target.cpu(), self.name, params)


@dataclass(frozen=True)
class _Windows:
    """Window w hides element (i, j) where `along[w, i]` and `across[w, j]`; `view` is the shape of such a mask for one input."""

    along: torch.Tensor
    across: torch.Tensor
    view: tuple[int, ...]
    elements: int
    patch: int
    stride: int

    def falls(self, question: Question, stream: Stream, hidden: torch.Tensor | None) -> torch.Tensor:
        """How far each window makes the logit fall, (N, windows); 0 where it changes no element. Without `hidden`, it is imputed."""
        inputs = question.inputs
        along, across = self.along.to(inputs.device), self.across.to(inputs.device)
        differs = torch.ones_like(inputs, dtype=torch.bool) if hidden is None else inputs != hidden
        if inputs.ndim > 2:
            differs = differs.any(1 if inputs.ndim == 4 else 2)
        differs = differs.view(len(inputs), along.shape[1], across.shape[1])
        counts = torch.einsum("wi,nij,wj->nw", along.float(), differs.float(), across.float())
        busy = [row.nonzero().flatten() for row in counts]
        windows = [torch.nn.functional.pad(row, (1, 0)) for row in busy]

        def write(out: torch.Tensor, row: int, ids: torch.Tensor) -> None:
            first, places = ids == 0, ids.to(inputs.device)
            chosen = windows[row][places]
            covered = along[chosen].unsqueeze(2) & across[chosen].unsqueeze(1)
            covered[first.to(inputs.device)] = False  # copy 0 is the input as it is
            covered = covered.view(-1, *self.view)
            if hidden is None:
                out.copy_(imputed(exact(inputs[row]), covered))
            else:
                torch.where(covered, hidden[row], inputs[row], out=out)

        found = torch.zeros(len(inputs), len(self.along), dtype=torch.float64)
        for row, scores in enumerate(stream.scores([len(ids) + 1 for ids in busy], write)):
            found[row, busy[row].cpu()] = scores[0] - scores[1:]
        return found

    def mean(self, falls: torch.Tensor) -> torch.Tensor:
        """The mean fall over the windows that cover each place, by element of a window, (N, i, j)."""
        along, across = self.along.double(), self.across.double()
        total = (along.T * falls.unsqueeze(1)) @ across
        return total / (along.T @ across) / self.elements


def _windows(question: Question, patch: int | None, stride: int | None) -> _Windows:
    shape = question.inputs.shape[1:]
    sides = tuple(shape[1:]) if len(shape) == 3 else (shape[0], 1)
    patch = patch if patch is not None else max(1, min(sides) // 7) if len(shape) == 3 else 1
    stride = stride if stride is not None else max(1, patch // 2)
    if len(shape) > 3 or not 1 <= patch <= (min(sides) if len(shape) == 3 else sides[0]) or not 1 <= stride <= patch:
        problem = f"the patch is {patch} and the stride {stride} for inputs shaped {tuple(question.inputs.shape)}"
        raise ShapeError(
            "Occlusion",
            problem,
            expected="1 <= stride <= patch <= the side of the input, and at most two such sides",
            remedy="Use kernel_shap with features of your own where there are more." if len(shape) > 3 else "",
        )
    along, across = _spans(sides[0], patch, stride), _spans(sides[1], patch, stride) if len(shape) == 3 else _spans(1, 1, 1)
    view = (1, *sides) if len(shape) == 3 else (sides[0], 1) if len(shape) == 2 else (sides[0],)
    elements = int(along[0].sum() * across[0].sum()) * (question.inputs[0].numel() // (sides[0] * sides[1]))
    return _Windows(along.repeat_interleave(len(across), 0), across.repeat(len(along), 1), view, elements, patch, stride)


def _spans(side: int, patch: int, stride: int) -> torch.Tensor:
    """Where each window lies along one side, (windows, side); the last one ends at the edge."""
    starts = torch.tensor(sorted({*range(0, side - patch, stride), side - patch})).unsqueeze(1)
    places = torch.arange(side)
    return (places >= starts) & (places < starts + patch)
