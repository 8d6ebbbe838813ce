"""NL401: the model is right about as often as its probabilities say."""

import math

import numpy as np
import pytest

from netlens.audit.checks.calibrated import CHECK, sentence
from netlens.behaviour import calibration
from tests.audit.conftest import Reader, subject


def simulated(gap, n=1000):
    """Answers that are right `gap` less often than their probability says."""
    draw = np.random.default_rng(0)
    sure = draw.uniform(0.6, 1, n)
    right = draw.random(n) < sure - gap
    return calibration(np.stack([sure, 1 - sure], 1), np.where(right, 0, 1))


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [((4, 5, 3), "PASS"), ((15, 15, 15), "WARN"), ((50, 50, 50), "FAIL")],
)
def test_the_gap_beyond_chance_decides(wrong, verdict):
    honest = Reader(math.log(2 * 0.984 / 0.016))  # it says 98.4 %
    assert CHECK.run(subject(wrong, net=honest)).verdict == verdict


def test_not_shown_with_few_samples():
    found = CHECK.run(subject((9, 9, 9), 33))
    assert (found.verdict, found.sentence) == ("NOT SHOWN", "99 samples are too few to compare confidence with truth.")


def test_in_words():
    good, bad = simulated(0.0), simulated(0.2)
    start = "How sure it says it is and how often it is right differ by"
    assert sentence(good) == f"{start} {100 * good.ece:.1f} points on average, no more than chance explains."
    assert sentence(bad) == f"{start} {100 * bad.ece:.1f} points on average; chance alone explains {100 * bad.null:.1f}."
