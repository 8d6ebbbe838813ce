"""The background of an input: the samples that its Shapley values compare it with."""

from __future__ import annotations

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Question
from netlens.explain.baselines import Baseline, baseline
from netlens.explain.features import is_image

Background = Baseline | None


def backgrounds(question: Question, choice: Background) -> tuple[list[torch.Tensor], str]:
    """The background of each row, (K, ...), and what was chosen."""
    inputs, operation = question.inputs, question.operation
    if isinstance(choice, torch.Tensor):
        if choice.shape[1:] != inputs.shape[1:] or len(choice) == 0:
            expected = f"(K, {', '.join(map(str, inputs.shape[1:]))})"
            raise ShapeError(operation, f"the background has shape {tuple(choice.shape)}", expected=expected)
        if not choice.isfinite().all():
            raise ShapeError(operation, "the background holds NaN or infinite values", expected="finite numbers")
        return [choice.detach().to(inputs)] * len(inputs), f"{len(choice)} samples"
    chosen = choice or ("black" if is_image(question.model, inputs) else "zero")
    start = baseline(chosen, question.model, inputs, operation)
    return [row.unsqueeze(0) for row in start.contiguous()], chosen
