"""NL101: the same input gives the same output twice."""

import pytest
import torch
from torch import nn

from netlens.audit.checks.repeatable import CHECK, sentence
from tests.audit.conftest import Reader, subject


class Restless(Reader):
    """Its answers tremble."""

    def forward(self, inputs):
        return super().forward(inputs) + 0.01 * torch.randn(len(inputs), 3)


class Dropping(Reader):
    """Drop-out that nobody can switch off."""

    def forward(self, inputs):
        return nn.functional.dropout(super().forward(inputs), 0.1, training=True)


class Broken(Reader):
    """Its answers are no numbers."""

    def forward(self, inputs):
        return super().forward(inputs) * float("nan")


def test_silent_on_a_model_at_rest():
    found = CHECK.run(subject())
    assert (found.verdict, found.value, found.n) == ("PASS", 0, 128)


@pytest.mark.parametrize("net", [Restless, Dropping])
def test_fires_on_a_model_that_changes_its_answers(net):
    found = CHECK.run(subject(net=net(20.0)))
    assert found.verdict == "FAIL"
    assert found.value == found.evidence["largest change"] > 0


def test_a_policy_may_allow_a_small_change():
    assert CHECK.run(subject(net=Restless(20.0)), {"largest": 1.0}).verdict == "PASS"


def test_not_shown_when_the_answers_are_no_numbers():
    found = CHECK.run(subject(net=Broken()))
    assert (found.verdict, found.missing) == ("NOT SHOWN", ("answers",))
    assert found.sentence.startswith("Some answers of the model are not numbers")


def test_in_words():
    assert sentence(0.0, "128 images") == "Asked twice about the same 128 images, the model gave the same numbers."
    assert sentence(0.0123, "1 image") == "Asked twice about the same 1 image, the model changed an output by 0.012."
