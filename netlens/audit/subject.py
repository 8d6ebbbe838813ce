"""What is audited: a model and its data, with everything that several checks need computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.audit.explained import Cases, chosen, explain_texts
from netlens.audit.numbers import many
from netlens.behaviour import Calibration, Performance, calibration, performance
from netlens.card import Card
from netlens.data import Batch, Dataset
from netlens.explain import Attribution, Explainer, GradCAM, IntegratedGradients, Saliency
from netlens.explain.maps import map_layers
from netlens.models.model import Model
from netlens.quality import NoiseStability, Ranking, rank

SCHEMA = "netlens-audit/2"
RANKED = {"quick": 4, "standard": 12, "full": 32}  # samples on which explanations are tried
COPIES = {"quick": 2, "standard": 5, "full": 5}  # noisy copies of each of these samples
NOUNS = {"image": "image", "text": "text", "table": "row"}


@dataclass(frozen=True)
class Subject:
    """A model, the data it is tested on, and what a check may spend.

    `train` : what the model learned from; None when nobody supplied it. `profile` : `quick`, `standard` or `full`. `seed` : of everything
    random. `previous` : the document of an earlier audit. `n_worst` : how many of the surest wrong answers are shown and explained.
    `groups_fault` : why the groups that the card names could not be used.
    """

    model: Model
    test: Dataset
    train: Dataset | None = None
    profile: str = "standard"
    seed: int = 0
    previous: Mapping[str, Any] | None = None
    n_worst: int = 6
    groups_fault: str = ""
    schema: str = SCHEMA

    @property
    def card(self) -> Card | None:
        """The model's card."""
        return self.model.card

    @property
    def data_name(self) -> str:
        """What the test data are called: of a path only its end, for a report names no folder of a machine."""
        return PurePath(self.test.name.replace("\\", "/")).name or self.test.name

    @property
    def noun(self) -> str:
        """What one sample is called."""
        return NOUNS.get(self.test.modality, "sample")

    @property
    def nouns(self) -> str:
        """What several samples are called."""
        return many(self.noun)

    @cached_property
    def logits(self) -> torch.Tensor:
        """The model's outputs on the whole test split, (N, classes), on the CPU; they may hold NaN."""
        return self._logits(self.test)

    @cached_property
    def train_logits(self) -> torch.Tensor:
        """The same on as many training samples as there are test samples at most: those of `train_ids`."""
        assert self.train is not None, "a check that asks for this needs `train data`"
        return self.model.logits(self.train.take(self.train_ids).inputs)

    @cached_property
    def train_ids(self) -> list[int]:
        """A random choice of training samples, no more than there are test samples."""
        assert self.train is not None, "a check that asks for this needs `train data`"
        return self._chosen(len(self.train), len(self.test))

    @cached_property
    def finite(self) -> bool:
        """Whether every output on the test split is a finite number."""
        return bool(self.logits.isfinite().all())

    @cached_property
    def performance(self) -> Performance:
        """How often the model is right, with probabilities, predictions and labels of the whole test split; asks for `answers`."""
        return performance(self.logits, torch.from_numpy(self.test.labels.astype(np.int64)), self.model.classes)

    @cached_property
    def calibration(self) -> Calibration:
        """Confidence against truth on the whole test split; asks for `answers`."""
        return calibration(self.probabilities, self.performance.labels, seed=self.seed)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(N, classes), of the whole test split."""
        return self.performance.probabilities

    @cached_property
    def worst(self) -> Batch | None:
        """The wrong answers with the highest probability, the surest first; None when there is none, or the answers are no numbers."""
        positions = self.performance.mistakes(self.n_worst) if self.finite else []
        return self.test.take(positions) if positions else None

    @cached_property
    def explanations(self) -> tuple[Attribution, ...]:
        """What speaks for the wrong answer of each worst case, by several methods; none where gradients cannot be taken."""
        if self.worst is None or self.test.modality == "text" or not self.differentiable:
            return ()
        answers = torch.from_numpy(self.performance.predictions[self.worst.ids])
        return tuple(method(self.model, self.worst.inputs, answers) for method in self.methods)

    @cached_property
    def cases(self) -> Cases | None:
        """Telling samples, right and wrong, sure and unsure, with explanations; None where gradients cannot be taken."""
        if not self.finite or (self.test.modality != "text" and not self.differentiable):
            return None
        picked = chosen(self.performance)
        batch = self.test.take(list(picked))
        answers = torch.from_numpy(self.performance.predictions[batch.ids])
        if self.test.modality == "text":
            found, fault = explain_texts(self.model, batch, answers)
            return Cases(tuple(picked.values()), batch, found, fault)
        maps = tuple(method(self.model, batch.inputs, answers) for method in self.methods)
        return Cases(tuple(picked.values()), batch, maps)

    @cached_property
    def ranking(self) -> Ranking | None:
        """How far each method may be believed on this model and these data; None where gradients cannot be taken."""
        if not self.finite or self.test.modality == "text" or not self.differentiable:
            return None
        batch, steady = self.sample(RANKED[self.profile]), NoiseStability(n_samples=COPIES[self.profile], seed=self.seed)
        return rank(self.model, batch, self.methods, samples=len(batch), stability=steady, seed=self.seed)

    @cached_property
    def methods(self) -> tuple[Explainer, ...]:
        """The methods that explain here: two that read gradients, and one that reads the last maps of a network that has maps."""
        images = self.test.modality == "image"
        methods: list[Explainer] = [Saliency(), IntegratedGradients(baseline="black" if images else "zero")]
        if images and map_layers(self.model, self.test.take(1).inputs):
            methods.append(GradCAM())
        return tuple(methods)

    @cached_property
    def differentiable(self) -> bool:
        """Whether an output has a gradient with respect to the inputs."""
        inputs = self.test.take(1).inputs
        if not inputs.is_floating_point():
            return False
        with torch.enable_grad():
            probe = inputs.detach().clone().to(self.model.device).requires_grad_()
            output = self.model.net(probe)
            found = torch.autograd.grad(output.sum(), probe, allow_unused=True) if output.requires_grad else (None,)
        return found[0] is not None

    def ids(self, n: int) -> list[int]:
        """Positions of `n` test samples, chosen at random by the seed, in order; smaller choices are parts of larger ones."""
        return self._chosen(len(self.test), n)

    def sample(self, n: int) -> Batch:
        """The test samples of `ids(n)`."""
        return self.test.take(self.ids(n))

    def _chosen(self, available: int, n: int) -> list[int]:
        order = np.random.default_rng(self.seed).permutation(available)
        return sorted(int(i) for i in order[: min(n, available)])

    def _logits(self, dataset: Dataset, batch: int = 1024) -> torch.Tensor:
        starts = range(0, len(dataset), batch)
        parts = [range(start, min(start + batch, len(dataset))) for start in starts]
        return torch.cat([self.model.logits(dataset.take(list(part)).inputs) for part in parts])
