"""How the model comes to a decision, in words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from netlens.audit.language import say
from netlens.audit.numbers import count
from netlens.internals.architecture import Architecture, architecture

if TYPE_CHECKING:
    from netlens.audit.subject import Subject

MOST = 16  # rows of the table of layers that are printed


def anatomy(subject: Subject) -> Architecture:
    """The layers of the model, and the cost of one answer."""
    return architecture(subject.model, subject.test.take(1).inputs)


def decision(subject: Subject, found: Architecture) -> str:
    """Say how a sample becomes a decision."""
    return say(
        "The network turns one {noun} into {classes} numbers, one for each class, and answers with the class of the largest. It learned "
        "{parameters} numbers in training. One answer takes {cost} multiplications through {depth} with weights.",
        noun=subject.noun,
        classes=str(len(subject.model.classes)),
        parameters=f"{found.parameters:,}",
        cost=large(found.multiply_adds),
        depth=count(found.depth, say("layer")),
    )


def notes(subject: Subject) -> str:
    """Say what a reader must know of how the network was loaded, such as that a file was unpickled; "" where there is nothing."""
    listed = "; ".join(subject.model.notes)
    return say("Noted when it was loaded: {notes}.", notes=listed) if listed else ""


def layers(found: Architecture) -> pd.DataFrame:
    """The first layers as a table, large numbers in groups of three digits."""
    frame = found.frame().head(MOST)
    counts = ("parameters", "multiply-adds")
    return frame.assign(**{name: [f"{number:,}" for number in frame[name]] for name in counts})


def large(number: int) -> str:
    """Say a large number: 1.2 million."""
    for size, name in ((10**9, say("billion")), (10**6, say("million"))):
        if number >= size:
            return f"{number / size:.3g} {name}"
    return f"{number:,}"


def shortened(found: Architecture) -> str:
    """Say that the table does not list every layer, where it does not."""
    rows = len(found.frame())
    return "" if rows <= MOST else say("The first {most} of {rows} layers.", most=str(MOST), rows=str(rows))
