"""NL851 and NL852: silent on a living network, fire on a dead layer and on one that no gradient reaches."""

import pytest
import torch
from torch import nn

from netlens.audit.checks import dead_units, gradients
from netlens.audit.subject import Subject
from netlens.behaviour.gradient_health import GradientHealth, LayerHealth, gradient_health
from netlens.data import Preprocess
from netlens.errors import ModelError, ShapeError
from netlens.models.model import Model
from tests.behaviour.conftest import halves, images


def network(dead=0, spread=1.0, activation=nn.ReLU):
    """Two layers with ten hidden units, of which `dead` never fire."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), activation(), nn.Linear(10, 2))
    with torch.no_grad():
        net[1].bias[:] = 3
        net[1].bias[:dead] = -1e4
        net[3].weight *= spread
    return Model(net.eval(), "small", ("left", "right"), Preprocess((0.0,), (1.0,)))


@pytest.mark.parametrize(
    ("dead", "verdict", "said"),
    [
        (0, "PASS", "Every unit of every layer answers to some sample."),
        (2, "WARN", "20 % of the units of the layer 2 never fire."),
        (5, "FAIL", "50 % of the units of the layer 2 never fire."),
        (10, "FAIL", "No unit of the layer 2 ever fires: nothing passes through it."),
    ],
)
def test_dead_units(dead, verdict, said):
    found = dead_units.CHECK.run(Subject(network(dead), images(120)))
    assert (found.verdict, found.sentence, found.value) == (verdict, said, dead / 10)
    assert found.evidence["layers"] == {"2": {"dead": dead, "units": 10}}


def test_an_activation_without_a_name():
    assert dead_units.sentence("(the network itself)#2", 4, 16) == "25 % of the units behind one activation never fire."


def test_dead_units_that_cannot_be_counted():
    assert dead_units.CHECK.run(Subject(network(5), images(40))).sentence == "40 images are too few to call a unit dead."
    found = dead_units.CHECK.run(Subject(halves(), images(120)))
    assert (found.verdict, found.sentence) == ("NOT SHOWN", "The network does not show its activation functions.")


def test_a_living_network():
    found = gradients.CHECK.run(Subject(network(), images(120)))
    assert found.verdict == "PASS"
    assert found.sentence.startswith("A gradient reaches all 2 layers with weights; the largest is ")


def test_a_layer_that_no_gradient_reaches():
    found = gradients.CHECK.run(Subject(network(dead=10), images(120)))
    assert (found.verdict, found.evidence["silent"]) == ("FAIL", ["1", "3"])
    assert found.sentence == "No gradient reaches 2 layers, among them 1."


@pytest.mark.parametrize(("spread", "verdict"), [(1e-5, "WARN"), (1e-9, "FAIL")])
def test_a_vanishing_gradient(spread, verdict):
    assert gradients.CHECK.run(Subject(network(spread=spread), images(120))).verdict == verdict


def test_the_gradient_is_the_one_of_autograd():
    model, inputs = network(), images(10).all().inputs
    labels = torch.randint(2, (10,), generator=torch.Generator().manual_seed(0))
    weight = model.net[3].weight
    loss = nn.functional.cross_entropy(model.net(inputs), labels)
    expected = torch.autograd.grad(loss, weight)[0].square().mean().sqrt()
    found = gradient_health(model, inputs, rows=3)
    assert found.layers[1].gradient == pytest.approx(float(expected), rel=1e-4)
    assert weight.grad is None
    assert weight.requires_grad


def test_half_precision_is_looked_at_too():
    model = network()
    whole = gradient_health(model, images(10).all().inputs)
    model.net.half()
    found = gradient_health(model, images(10).all().inputs)
    assert found.ratio == pytest.approx(whole.ratio, rel=0.05)


def test_weights_that_are_no_numbers_are_silent():
    found = GradientHealth((LayerHealth("a", float("nan"), 1.0), LayerHealth("b", 1.0, 2.0)), 3)
    assert found.silent == ("a",)
    assert found.ratio != found.ratio
    assert gradients.sentence(found) == "No gradient reaches the layer a: it takes no part in learning."


def test_what_has_no_weights():
    with pytest.raises(ModelError, match="no layer with weights"):
        gradient_health(Model(nn.Flatten(), "flat", ("a", "b"), Preprocess((0.0,), (1.0,))), torch.zeros(1, 2))
    with pytest.raises(ShapeError, match="there is no input"):
        gradient_health(network(), torch.zeros(0, 1, 8, 8))
