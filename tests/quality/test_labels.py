"""Label randomisation: what asks the network falls, what draws the input stays, and the network learned by heart or says so."""

import pytest
import torch

from netlens.errors import ModelError, ShapeError
from netlens.explain import Attribution, GuidedBackprop, Saliency
from netlens.models.model import weights_fingerprint
from netlens.quality import randomise_labels, shuffled_labels
from netlens.quality.sanity import edges


class Outline:
    """A method that draws the edges of the input, and asks no network."""

    name = "outline"

    def __call__(self, model, inputs, target=None):  # noqa: ARG002 - as every method
        return Attribution(edges(inputs), torch.zeros(len(inputs), dtype=torch.long), self.name)


@pytest.fixture(scope="module")
def shuffled(learned, digits):
    return shuffled_labels(learned[0], digits[0], 150, epochs=80)


def test_the_copy_knows_the_shuffled_labels_and_nothing_of_other_samples(learned, shuffled, digits):
    test = digits[1].all()
    right = (shuffled.logits(test.inputs).argmax(1) == test.labels).double().mean()
    assert right < 0.3  # chance is 0.1; a few labels fall on their own class
    assert (learned[0].logits(test.inputs).argmax(1) == test.labels).double().mean() > 0.9


def test_the_user_keeps_the_model(learned, digits):
    print_before, state = weights_fingerprint(learned[0].net), torch.get_rng_state()
    again = [shuffled_labels(learned[0], digits[0], 20, epochs=60, seed=1) for _ in range(2)]
    assert weights_fingerprint(learned[0].net) == print_before
    assert torch.equal(torch.get_rng_state(), state)
    assert again[0].fingerprint == again[1].fingerprint


def test_a_drawing_of_the_input_keeps_everything_and_the_gradient_nothing(learned, shuffled, digits):
    exam = digits[1].take(32).inputs
    drawn = randomise_labels(Outline(), learned[0], shuffled, exam)
    assert torch.allclose(drawn.kept, torch.ones_like(drawn.kept))
    gradient = randomise_labels(Saliency(), learned[0], shuffled, exam)
    assert gradient.excess.mean() < 0.1
    assert gradient.frame()["name"].tolist()[0] == "labels shuffled"


def test_guided_backpropagation_keeps_more_than_the_gradient(learned, shuffled, digits):
    exam = digits[1].take(32).inputs
    guided, plain = (
        randomise_labels(method, learned[0], shuffled, exam, sizes=True).kept[0].mean()
        for method in (GuidedBackprop(), Saliency())
    )
    assert guided > plain + 0.1


def test_a_copy_that_did_not_learn_is_no_test(learned, digits):
    with pytest.raises(ModelError, match=r"after 1 epochs the copy gives the shuffled label of .* of 100 samples"):
        shuffled_labels(learned[0], digits[0], 100, epochs=1)


@pytest.mark.parametrize("samples", [9, 10**6])
def test_too_few_or_too_many_samples(learned, digits, samples):
    with pytest.raises(ShapeError, match=f"{samples} samples were asked for"):
        shuffled_labels(learned[0], digits[0], samples)
