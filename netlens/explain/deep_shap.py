"""DeepSHAP: DeepLIFT from every sample of a background, averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.explain.background import Background, backgrounds
from netlens.explain.base import Attribution, Target, asking, on_cpu, params_of
from netlens.explain.coverage import require
from netlens.explain.deep_lift import DeepLIFT, lifted
from netlens.models.model import Model


@dataclass(frozen=True)
class DeepSHAP:
    """DeepLIFT's rule, averaged over a background: an approximation of Shapley values that needs few passes.

    Its values add up to the logit less its mean over the background. How far they miss is `delta`.

    Parameters
    ----------
    background : (K, ...) inputs to compare with, such as 100 training samples; or a baseline of `netlens.explain.baselines`. Without
        one: `black` for images, `zero` for anything else.
    tolerance : the largest `delta` at which the attribution counts as complete, as a share of the change of the logit.

    Notes
    -----
    It covers what `DeepLIFT` covers, and agrees with shap's DeepExplainer where that is complete.

    References
    ----------
    Lundberg and Lee 2017, arXiv:1705.07874.
    """

    name: ClassVar[str] = "deep_shap"
    family: ClassVar[str] = "rules"
    needs: ClassVar[str] = "gradients, a background, and a rule for every operation"
    cost: ClassVar[str] = "2 forward and 1 backward for each background sample"
    gives: ClassVar[str] = "logits, signed, that add up to the change from the mean of the background"
    reference: ClassVar[str] = "arXiv:1705.07874"

    background: Background = None
    tolerance: float = 0.01

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits, with `delta` (N,), in logits."""
        with asking(model, inputs, target, "DeepSHAP") as question:
            require(question, DeepLIFT.name, "expected_gradients, gradient_shap or kernel_shap")
            grounds, chosen = backgrounds(question, self.background)
            single, found = question.in_float32(), []
            for row, ground in enumerate(grounds):
                same = (len(ground), *[-1] * (inputs.ndim - 1))
                pairs = lifted(single, single.inputs[row : row + 1].expand(same), ground, single.target[row].expand(len(ground)))
                found.append(pairs.double().mean(0))
            table = torch.stack(found)
            values, delta = table[:, :-1].view(inputs.shape), table[:, :-1].sum(1) - table[:, -1]
            params = {**params_of(self), "background": chosen}
            return Attribution(
                on_cpu(values.to(single.inputs)),
                question.target.cpu(),
                self.name,
                params,
                delta=on_cpu(delta.to(single.inputs)),
                tolerance=self.tolerance,
            )
