"""What a check needs, and the sentence a reader gets when it is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from netlens.audit.language import say
from netlens.errors import unknown

if TYPE_CHECKING:
    from netlens.audit.subject import Subject


def _answers(subject: Subject) -> str:
    if subject.finite:
        return ""
    return say("Some answers of the model are not numbers, so nothing can be computed from them.")


def _two_classes(subject: Subject) -> str:
    if len(set(subject.test.labels.tolist())) > 1:
        return ""
    return say("All test {nouns} are of one class, so there is nothing to tell apart.", nouns=subject.nouns)


def _train(subject: Subject) -> str:
    return "" if subject.train is not None else say("The training data were not supplied.")


def _groups(subject: Subject) -> str:
    if subject.groups_fault:
        return say("The groups that the card names do not fit the data: {fault}", fault=subject.groups_fault)
    return "" if subject.test.groups else say("The card names no groups of people or cases.")


def _images(subject: Subject) -> str:
    return "" if subject.test.modality == "image" else say("This question is asked of images only.")


def _continuous(subject: Subject) -> str:
    return say("This question is not asked of text.") if subject.test.modality == "text" else ""


def _gradients(subject: Subject) -> str:
    if subject.test.modality == "text":
        return say("This is measured with inputs that can be changed in small steps; words cannot.")
    return "" if subject.differentiable else say("The model gives no gradients, so it cannot be asked what moves its answer.")


def _previous(subject: Subject) -> str:
    if subject.previous is None:
        return say("No earlier audit was given to compare with.")
    if subject.previous.get("schema") != subject.schema:
        return say("The earlier audit is written in another form: {found}.", found=str(subject.previous.get("schema", "none")))
    if subject.previous.get("data", {}).get("test", {}).get("fingerprint") != subject.test.fingerprint:
        return say("The earlier audit was measured on other data.")
    return ""


NEEDS: dict[str, Callable[[Subject], str]] = {
    "answers": _answers,  # every output on the test split is a finite number
    "two classes": _two_classes,  # the test labels hold more than one class
    "train data": _train,
    "groups": _groups,  # at least one attribute, with one value a sample
    "images": _images,
    "continuous inputs": _continuous,  # images or tables: adding a little noise has a meaning
    "gradients": _gradients,  # with respect to the inputs
    "previous audit": _previous,  # of the same test data, in the same schema
}

MEANING = {
    "answers": "outputs that are numbers",
    "two classes": "labels of two classes or more",
    "train data": "the training data",
    "groups": "groups of people or cases",
    "images": "images",
    "continuous inputs": "images or rows of numbers",
    "gradients": "gradients with respect to the inputs",
    "previous audit": "an earlier audit of the same data",
}


def missing(needs: Iterable[str], subject: Subject) -> dict[str, str]:
    """The needs that a subject does not meet, each with a sentence that says so.

    Raises
    ------
    UsageError : there is no such need.
    """
    for need in needs:
        if need not in NEEDS:
            raise unknown("audit", "need", need, NEEDS)
    return {need: sentence for need in needs if (sentence := NEEDS[need](subject))}
