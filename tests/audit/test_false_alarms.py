"""Ten clean audits with different seeds: hardly a check may raise its voice where nothing is wrong."""

from collections import Counter

import numpy as np
import pytest

from netlens.audit.checks import CHECKS
from netlens.audit.subject import Subject
from tests.audit.checks.planted import answering, spoken
from tests.behaviour.conftest import halves, images

SEEDS = range(10)
OF_ANSWERS = ("NL202", "NL203", "NL301", "NL303", "NL351", "NL401", "NL402", "NL403", "NL701", "NL801", "NL901")
OF_IMAGES = (
    "NL101",
    "NL201",
    "NL202",
    "NL203",
    "NL301",
    "NL302",
    "NL303",
    "NL351",
    "NL601",
    "NL801",
    "NL802",
    "NL803",
    "NL852",
    "NL901",
)


def honest(seed, n=1000):
    """A model that is right exactly as often as it says, as good on new as on known samples, and as good for every group."""
    draw = np.random.default_rng(seed)

    def answers():
        sure = draw.choice([0.99, 0.95, 0.6], n, p=[0.88, 0.06, 0.06])
        return sure, draw.integers(0, 2, n), draw.random(n) < sure

    groups = {"sex": draw.choice(["a", "b"], n), "age": draw.choice(["young", "old", "oldest"], n)}
    train = spoken(*answers(), split="train", seed=100 + seed)
    return answering(*answers(), groups=groups, train=train, seed=seed)


def sharp(seed, n=500):
    """A model that reads its images without fault."""
    return Subject(halves(), images(n, seed=seed), images(n, seed=100 + seed, split="train"), seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "codes"), [(honest, OF_ANSWERS), (sharp, OF_IMAGES)], ids=["answers", "images"])
def test_ten_clean_audits_raise_at_most_one_false_alarm(make, codes):
    verdicts = [(code, CHECKS[code].run(subject)) for subject in map(make, SEEDS) for code in codes]
    alarms = [(code, found.sentence) for code, found in verdicts if found.verdict in ("WARN", "FAIL")]
    assert len(alarms) <= 1, alarms
    passed = Counter(code for code, found in verdicts if found.verdict == "PASS")
    assert [code for code in codes if passed[code] < 8] == []
