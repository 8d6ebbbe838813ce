"""Would the explanation notice if the network had learned nothing true? Label randomisation: the same network, taught shuffled labels."""

from __future__ import annotations

from dataclasses import replace

import torch

from netlens.data import Dataset
from netlens.errors import ModelError, ShapeError
from netlens.explain.base import Explainer, Target
from netlens.explain.series import steps_axis
from netlens.models.model import Model
from netlens.models.still import eager
from netlens.models.tutorial import Recipe
from netlens.quality.agreement import foreground
from netlens.quality.sanity import Sanity, broken_copy, compare, controls_of, weighted
from netlens.seeding import generator
from netlens.training import fit

OPERATION = "label randomisation"
MEMORISED = 0.95


def shuffled_labels(
    model: Model, train: Dataset, samples: int = 500, *, epochs: int = 60, rate: float = 2e-3, seed: int = 0
) -> Model:
    """Teach a copy of the network, from fresh weights, training samples whose labels were shuffled.

    Parameters
    ----------
    samples : how many training samples; fewer are learned by heart sooner.
    epochs, rate : passes over them, and the peak of the learning rate of AdamW.

    Returns
    -------
    Model that gives the shuffled label of nearly every sample: it has learned by heart, and nothing that holds for other samples.
    The user's model is untouched.

    Raises
    ------
    ShapeError : fewer samples than classes were asked for, or more than there are.
    ModelError : the copy knows less than 95 % of the shuffled labels, so that it is no test; or it cannot be copied.

    Notes
    -----
    Cost: `epochs` forward and backward passes over the samples.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, arXiv:1810.03292, section 4.
    """
    if not len(model.classes) <= samples <= len(train):
        problem = f"{samples} samples were asked for, of {len(train)}"
        raise ShapeError(OPERATION, problem, expected=f"from {len(model.classes)} to {len(train)}")
    draw = generator(seed)
    order = torch.randperm(len(train), generator=draw)[:samples].numpy()
    labels = train.labels[order][torch.randperm(samples, generator=draw).numpy()]
    lies = replace(train, raw=train.raw[order], labels=labels, groups={})
    taught = replace(broken_copy(model, weighted(eager(model).net), seed), name=f"{model.name}, labels shuffled")
    for parameter in taught.net.parameters():
        parameter.requires_grad_(True)
    recipe = Recipe(epochs=epochs, learning_rate=rate, weight_decay=0.0, shift=0)
    record = fit(taught.net, lies, lies, recipe, seed=seed, device=str(model.device))
    known = float(record.test_accuracy[-1])
    if known < MEMORISED:
        problem = f"after {epochs} epochs the copy gives the shuffled label of {known:.0%} of {samples} samples"
        raise ModelError(OPERATION, problem, expected=f"at least {MEMORISED:.0%}", remedy="Ask for more epochs or fewer samples.")
    return taught


def randomise_labels(
    explainer: Explainer,
    model: Model,
    shuffled: Model,
    inputs: torch.Tensor,
    target: Target = None,
    *,
    seed: int = 0,
    everywhere: bool = False,
    sizes: bool = False,
) -> Sanity:
    """Compare the maps of the network with those of its copy that was taught shuffled labels.

    Parameters
    ----------
    shuffled : from `shuffled_labels`.
    everywhere, sizes : as in `randomise`.

    Returns
    -------
    Sanity with one stage. `excess` about 0: the map depends on what the network has learned.

    Notes
    -----
    Cost: two explanations. Both networks explain the same class, that of `target`.
    """
    intact = explainer(model, inputs, target)
    other = explainer(shuffled, inputs, intact.target)
    axis = steps_axis(model, inputs, "labels")
    where = None if everywhere else foreground(inputs, axis)
    kept = compare(intact, other, inputs, where, axis, sizes=sizes).view(1, 1, -1)
    controls = controls_of(intact, inputs, where, seed, axis, sizes=sizes)
    told = "everywhere" if everywhere else "on the foreground"
    return Sanity(explainer.name, "labels", ("labels shuffled",), kept, controls, (intact, other), 0, told)
