"""Why is my gradient zero? Softmax, dead layer or cut graph: each is looked for, and named with its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from netlens.capture import Hook, hooked
from netlens.errors import ModelError, ShapeError
from netlens.internals.idle import idle
from netlens.internals.stream import run
from netlens.models.model import Model
from netlens.models.still import eager, still

OPERATION = "why_zero"
SATURATED = 1e-3  # of the logit's gradient
Cause = Literal["none", "softmax", "dead layer", "cut graph", "unknown"]


@dataclass(frozen=True)
class Zero:
    """What stops the gradient of one input.

    `cause` : `none` if both gradients arrive; `softmax` if only that of the probability is lost; `dead layer`; `cut graph`; or `unknown`.
    `where` : the path of the layer. `logit`, `probability` : the norms of the gradients of the chosen class's logit and probability with
    respect to the input. `sure` : the probability. `reason` : a sentence.
    """

    cause: Cause
    where: str
    logit: float
    probability: float
    sure: float
    reason: str


def why_zero(model: Model, inputs: torch.Tensor, target: int | None = None) -> Zero:
    """Find out why the gradient of an answer with respect to one input is zero, or that it is not.

    Parameters
    ----------
    inputs : one sample, (1, ...). target : the class asked about; the one chosen, by default.

    Raises
    ------
    ShapeError : more than one sample, or the target is no class. ModelError : the inputs are no numbers that one can differentiate by.
    """
    if len(inputs) != 1:
        raise ShapeError(OPERATION, f"there are {len(inputs)} samples", expected="one")
    if not inputs.is_floating_point():
        raise ModelError(
            OPERATION, "the inputs are whole numbers", expected="numbers that one can differentiate by, such as embeddings"
        )
    model = eager(model)
    with still(model.net, OPERATION):
        point = inputs.detach().to(model.device).clone().requires_grad_()
        cut, logits = _first_cut(model, point)
        label = int(logits.argmax(1)) if target is None else target
        if not 0 <= label < logits.shape[1]:
            raise ShapeError(OPERATION, f"the target {label} is no class", expected=f"0 to {logits.shape[1] - 1}")
        sure = float(logits.detach().softmax(1)[0, label])
        if not logits.requires_grad:
            said = f"The graph is cut in `{cut}`: what it gives no longer depends on its input, as after `.detach()`, `.numpy()` or `no_grad`."
            return Zero("cut graph", cut, 0.0, 0.0, sure, said)
        norms = [_norm(one[0, label], point) for one in (logits, logits.softmax(1))]
    if norms[0] > 0:
        if norms[1] > SATURATED * norms[0]:
            return Zero("none", "", norms[0], norms[1], sure, "Both gradients arrive.")
        said = f"The softmax is saturated: the class is {100 * sure:.4f} % sure, so its probability cannot move. Differentiate the logit."
        return Zero("softmax", "", norms[0], norms[1], sure, said)
    dead = _dead_layer(model, inputs)
    if dead:
        said = f"Every unit of `{dead}` is on the flat part of its function, so that no gradient passes."
        return Zero("dead layer", dead, 0.0, norms[1], sure, said)
    said = "No cause that is looked for was found; look for rounding, `argmax`, or a comparison in the forward pass."
    return Zero("unknown", "", 0.0, norms[1], sure, said)


def _norm(value: torch.Tensor, point: torch.Tensor) -> float:
    (gradient,) = torch.autograd.grad(value, point, retain_graph=True, allow_unused=True)
    return 0.0 if gradient is None else float(gradient.norm())


def _first_cut(model: Model, point: torch.Tensor) -> tuple[str, torch.Tensor]:
    """The innermost first module that takes a tensor with a graph and gives one without, and the logits."""
    cuts: list[str] = []
    last = [""]

    def make(path: str) -> Hook:
        def look(_module: torch.nn.Module, given: tuple[Any, ...], output: Any) -> None:
            tensors = [tensor for tensor in given if isinstance(tensor, torch.Tensor)]
            if (
                isinstance(output, torch.Tensor)
                and not output.requires_grad
                and (any(t.requires_grad for t in tensors) or (not cuts and last[0]))
            ):
                cuts.append(path if any(t.requires_grad for t in tensors) else f"the code after {last[0]}")
            elif isinstance(output, torch.Tensor) and output.requires_grad:
                last[0] = path

        return look

    paths = [path for path, _ in model.net.named_modules() if path]
    with hooked(model, paths, make, OPERATION):
        logits = run(model, point, OPERATION)
    return (cuts[0] if cuts else f"the code after {last[0]}" if last[0] else "the forward pass"), logits


def _dead_layer(model: Model, inputs: torch.Tensor) -> str:
    """The first use of an activation function all of whose units are flat for this input; empty if there is none."""
    try:
        found = idle(model, inputs)
    except ModelError:  # it has no activation function
        return ""
    return next((function.path for function in found.functions if not function.awake.any()), "")
