"""The price that a check names is what it takes: rows that go through the network, a backward pass counting twice."""

import pytest
from torch import nn

from netlens.audit.checks import CHECKS
from netlens.audit.subject import Subject
from netlens.models.model import Model
from tests.audit.checks.planted import PLAIN
from tests.behaviour.conftest import images


class Counting(nn.Module):
    """Counts the rows that it sees, three times those that a gradient is taken of."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 2))
        self.passes = 0

    def forward(self, inputs):
        found = self.net(inputs)
        self.passes += len(inputs)
        if found.requires_grad:
            found.register_hook(lambda gradient: setattr(self, "passes", self.passes + 2 * len(gradient)))
        return found


@pytest.fixture(scope="module")
def subject():
    net = Counting().eval()
    data = images(300)
    found = Subject(Model(net, "counting", ("left", "right"), PLAIN), data, images(300, seed=1, split="train"))
    assert found.finite
    assert len(found.train_logits) == 300
    return found


@pytest.mark.parametrize("code", ["NL101", "NL451", "NL601", "NL651", "NL802", "NL803", "NL851", "NL852"])
def test_the_price_is_right(subject, code):
    check = CHECKS[code]
    check.run(subject)  # the plan for the network is made once
    subject.model.net.passes = 0
    check.run(subject)
    price = check.cost(subject.profile, 300)
    assert subject.model.net.passes <= 1.1 * price
    assert subject.model.net.passes >= (0.9 * price if code != "NL651" else 0)  # an attack ends where everything has fallen


@pytest.mark.parametrize("code", ["NL202", "NL203", "NL303", "NL351", "NL402", "NL403", "NL701", "NL801", "NL901", "NL951"])
def test_what_reads_known_answers_asks_for_no_more(subject, code):
    subject.model.net.passes = 0
    CHECKS[code].run(subject)
    assert subject.model.net.passes == 0
