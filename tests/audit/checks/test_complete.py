"""NL501: the explanations of the worst cases account for the whole answer."""

import pytest

from netlens.audit.checks.complete import CHECK, sentence
from tests.audit.conftest import Reader, subject


class Cut(Reader):
    """A gradient that lies: it is a tenth of the true one."""

    def forward(self, inputs):
        return super().forward(0.1 * inputs + 0.9 * inputs.detach())


class Deaf(Reader):
    """It has no gradient."""

    def forward(self, inputs):
        return super().forward(inputs.detach()).detach()


def test_silent_on_a_plain_network():
    found = CHECK.run(subject((9, 9, 9)))
    assert (found.verdict, found.n) == ("PASS", 6)


def test_fires_on_a_gradient_that_lies():
    found = CHECK.run(subject((9, 9, 9), net=Cut(5.0)))
    assert found.verdict == "FAIL"
    assert found.value == max(found.evidence["missed"]) > 0.5


def test_not_shown_without_a_wrong_answer():
    found = CHECK.run(subject())
    assert (found.verdict, found.sentence) == ("NOT SHOWN", "No wrong answer was explained.")


def test_not_shown_without_gradients():
    found = CHECK.run(subject((9, 9, 9), net=Deaf(5.0)))
    assert found.missing == ("gradients",)
    assert found.sentence == "The model gives no gradients, so it cannot be asked what moves its answer."


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ([0.01, 0.002], "The explanations of the 2 worst cases miss at most 1.0 % of what they explain."),
        ([0.013], "The explanation of the worst case misses 1.3 % of what it explains."),
    ],
)
def test_in_words(errors, said):
    assert sentence(errors) == said
