"""Choose what a lesson looks at: the reader's model where the lesson applies to it, else another, with a sentence that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from netlens.data import of_card
from netlens.explain.applicability import refusals
from netlens.models.model import Model


def suited(model: Model, methods: Sequence[str], otherwise: Callable[[], Model], data_root: str | Path = "") -> tuple[Model, str]:
    """Give the model, if it reads images and all the methods can explain it, or else the model that `otherwise` makes.

    Parameters
    ----------
    methods : keys of `netlens.explain.EXPLAINERS`.

    Returns
    -------
    The model to look at, and a sentence for the top of the page.
    """
    row = of_card(model.card, "test", data_root).take(1).inputs
    found = refusals(model, row) if row.ndim == 4 and methods else {}
    reasons = [f"{name} cannot explain it ({found[name]})" for name in methods if found.get(name)]
    if row.ndim != 4:
        reasons = ["it does not read images"]
    if not reasons:
        return model, f"This page looks at `{model.name}`."
    other = otherwise()
    return other, f"This lesson has nothing to show of `{model.name}`: {reasons[0]}. What follows is `{other.name}`."
