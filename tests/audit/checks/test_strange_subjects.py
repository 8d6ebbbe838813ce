"""Whatever the model and the data are like, every check answers: a verdict, one sentence, numbers that a file can hold."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from netlens import views
from netlens.audit.checks import CHECKS
from netlens.audit.document import rounded
from netlens.audit.finding import VERDICTS
from netlens.audit.subject import Subject
from netlens.data import Dataset, Preprocess
from netlens.models.model import Model
from tests.audit.checks.planted import PLAIN, clean, text
from tests.behaviour.conftest import images


class Constant(nn.Module):
    """Always gives the same answer, whatever it is shown."""

    def __init__(self, value=3.0):
        super().__init__()
        self.linear = nn.Linear(64, 2)
        with torch.no_grad():
            self.linear.weight.zero_()
            self.linear.bias.copy_(torch.tensor([value, 0.0]))

    def forward(self, inputs):
        return self.linear(inputs.flatten(1))


def constant(value=3.0, n=150):
    model = Model(Constant(value).eval(), "constant", ("left", "right"), PLAIN)
    return Subject(model, images(n), images(n, seed=1, split="train"))


def one_class():
    found = clean(150)
    return replace(found, test=replace(found.test, labels=np.zeros(150, dtype=int)))


def colours():
    """Colour images of another size than square, black in places."""
    raw = np.random.default_rng(0).integers(0, 256, (120, 8, 10, 3)).astype(np.uint8)
    raw[:3] = 0
    plain = Preprocess((0.0,) * 3, (1.0,) * 3)
    data = Dataset("colours", "test", ("a", "b"), raw, np.arange(120) % 2, plain)
    torch.manual_seed(0)
    return Subject(Model(nn.Sequential(nn.Flatten(), nn.Linear(240, 2)).eval(), "colours", ("a", "b"), plain), data, data)


def table():
    """Rows of three columns, one of which never changes and one of which lacks values."""
    raw = np.random.default_rng(0).normal(0, 1, (120, 3))
    raw[:, 1] = 4
    labels = (raw[:, 0] > 0).astype(int)

    def inputs(rows):
        return torch.from_numpy(rows).float()

    data = Dataset("rows", "test", ("a", "b"), raw, labels, inputs, "table", ("x", "y", "z"))
    torch.manual_seed(0)
    return Subject(Model(nn.Linear(3, 2).eval(), "linear", ("a", "b"), inputs), data, data)


STRANGE = {
    "a constant answer": constant,
    "no numbers": lambda: constant(math.nan),
    "one class": one_class,
    "one sample": lambda: clean(1),
    "three samples": lambda: clean(3),
    "colours": colours,
    "texts": text,
    "a table": table,
    "no training data": lambda: replace(clean(60), train=None),
    "an empty earlier audit": lambda: clean(60, previous={}),
}
RANKED = {"NL551", "NL552", "NL553"}  # ask for a ranking of methods, which has tests of its own


@pytest.mark.parametrize("kind", STRANGE)
def test_every_check_answers(kind):
    subject = STRANGE[kind]()
    modes = [module.training for module in subject.model.net.modules()]
    before = {name: value.clone() for name, value in subject.model.net.state_dict().items()}
    for code, check in CHECKS.items():
        if code in RANKED:
            continue
        found = check.run(subject)
        assert found.verdict in VERDICTS
        assert found.sentence.endswith((".", "?")), f"{code}: {found.sentence}"
        assert "\n" not in found.sentence
        assert "nan" not in found.sentence, f"{code}: {found.sentence}"
        assert found.rule
        assert (found.verdict == "NOT SHOWN") or not math.isnan(found.value), code
        json.dumps(rounded(dict(found.evidence)), allow_nan=False)
        if check.view and found.evidence and hasattr(views, check.view):
            assert getattr(views, check.view)(found.evidence).figure().axes, code
    assert [module.training for module in subject.model.net.modules()] == modes
    assert all(torch.equal(value, before[name]) or value.isnan().any() for name, value in subject.model.net.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in subject.model.net.parameters())


def test_every_view_of_a_check_exists():
    assert [check.view for check in CHECKS.values() if check.view and not hasattr(views, check.view)] == []
