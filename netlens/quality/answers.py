"""What is read off the network while its input is changed: a logit, a probability, or whether it still decides so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from netlens.errors import unknown
from netlens.explain.question import Question, exact

Output = Literal["logit", "probability", "decision"]
OUTPUTS = ("logit", "probability", "decision")


@dataclass(frozen=True)
class Answer(Question):
    """A question whose scores are the target's logit, its probability, or 1 where the target is the class with the highest logit."""

    output: Output = "logit"

    def scores(self, inputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The answer for each row, (N,), in float32 at least."""
        logits = exact(self.logits(inputs))
        if self.output == "decision":
            return (logits.argmax(1) == target).float()
        answers = logits.softmax(1) if self.output == "probability" else logits
        return answers.gather(1, target.unsqueeze(1)).squeeze(1)


def answering(question: Question, output: Output) -> Answer:
    """The same question, read as `output`.

    Raises
    ------
    UsageError : there is no such output.
    """
    if output not in OUTPUTS:
        raise unknown(question.operation, "output", str(output), OUTPUTS)
    return Answer(question.model, question.operation, question.inputs, question.target, output)
