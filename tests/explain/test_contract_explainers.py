"""What every method keeps, whichever it is: shape, determinism, rows, and a model left as it was found."""

import copy
import inspect

import pytest
import torch

from netlens.errors import ModelError, ShapeError
from netlens.explain import EXPLAINERS, Attribution
from netlens.models import Model

TARGET = torch.tensor([0, 2, 1])
every_method = pytest.mark.parametrize("method", EXPLAINERS.values(), ids=EXPLAINERS)


@pytest.fixture
def cnn(request, cnn, attentive):
    """The network that a method is asked about: one with attention for those that explain attention."""
    return attentive if request.node.callspec.params["method"].family == "attention" else cnn


def state_of(model: Model) -> dict[str, object]:
    """Everything that a method could leave changed."""
    modules = list(model.net.named_modules())
    return {
        "modes": [module.training for _, module in modules],
        "hooks": [
            len(getattr(module, kind))
            for _, module in modules
            for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        ],
        "attributes": [sorted(vars(module)) for _, module in modules],
        "types": [type(module) for _, module in modules],
        "asked": [parameter.requires_grad for parameter in model.net.parameters()],
        "gradients": [parameter.grad for parameter in model.net.parameters()],
        "enabled": torch.is_grad_enabled(),
    }


def unusual(model: Model) -> Model:
    """Leave the model in a state that nobody would choose, so that a method that resets it is found out."""
    model.net.train()
    model.net.pool1.eval()
    model.net.conv1.weight.requires_grad_(False)
    model.net.fc2.weight.grad = torch.full_like(model.net.fc2.weight, 7.0)
    return model


@every_method
def test_the_values_have_the_shape_that_is_explained(method, cnn, images):
    found = method()(cnn, images, TARGET)
    assert isinstance(found, Attribution)
    assert found.method == method.name
    assert found.values.shape == images.shape or (found.layer and found.values.shape[:2] == (3, 1))
    assert found.values.isfinite().all()
    assert found.values.dtype == torch.float32
    assert not found.values.requires_grad
    assert found.target.tolist() == TARGET.tolist()
    for extra in (found.delta, found.spread):
        assert extra is None or (extra.isfinite().all() and not extra.requires_grad)
    assert found.delta is None or found.delta.shape == (3,)
    assert found.spread is None or found.spread.shape == found.values.shape


@every_method
def test_one_seed_one_answer(method, cnn, images):
    torch.manual_seed(1)
    first = method()(cnn, images, TARGET).values
    torch.manual_seed(2)
    torch.rand(3)
    assert torch.equal(method()(cnn, images, TARGET).values, first)


@every_method
def test_the_global_random_state_is_left_alone(method, cnn, images):
    before = torch.get_rng_state()
    method()(cnn, images, TARGET)
    assert torch.equal(torch.get_rng_state(), before)


@every_method
def test_a_batch_gives_what_its_rows_give(method, cnn, images):
    together = method()(cnn, images, TARGET).values
    for row in range(3):
        alone = method()(cnn, images[row : row + 1], TARGET[row : row + 1]).values
        torch.testing.assert_close(alone[0], together[row], atol=1e-4 * float(together[row].abs().max()), rtol=1e-3)


@every_method
def test_without_a_target_the_predicted_class_is_explained(method, cnn, images):
    predicted = cnn.logits(images).argmax(1)
    found = method()(cnn, images)
    assert found.target.tolist() == predicted.tolist()
    torch.testing.assert_close(found.values, method()(cnn, images, predicted).values)


@every_method
def test_the_model_and_the_inputs_are_left_as_they_were(method, cnn, images):
    before, inputs = state_of(unusual(cnn)), images.clone()
    weights = copy.deepcopy(cnn.net.state_dict())
    method()(cnn, images, TARGET)
    assert state_of(cnn) == before
    assert torch.equal(images, inputs)
    assert not images.requires_grad
    for name, tensor in cnn.net.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


@every_method
@pytest.mark.parametrize("passes", [0, 3])
def test_the_model_is_left_as_it_was_when_it_raises(method, cnn, images, passes):
    before, count = state_of(unusual(cnn)), [0]
    plain = cnn.net.conv1.forward

    def failing(inputs):
        count[0] += 1
        if count[0] > passes:
            raise KeyError("out of order")
        return plain(inputs)

    cnn.net.conv1.forward = failing

    def ask() -> None:
        for _ in range(4):  # a method that takes few passes breaks at a later call
            method()(cnn, images, TARGET)

    try:
        with pytest.raises(KeyError, match="out of order"):
            ask()
    finally:
        del cnn.net.conv1.forward
    assert state_of(cnn) == before


@every_method
@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_gradients_switched_off_by_the_caller_do_not_matter(method, cnn, images, context):
    expected = method()(cnn, images, TARGET).values
    with context():
        found = method()(cnn, images.clone(), TARGET).values
        assert torch.is_inference_mode_enabled() == (context is torch.inference_mode)
    assert torch.equal(found, expected)


@every_method
@pytest.mark.parametrize(
    ("inputs", "target", "said"),
    [
        (torch.zeros(0, 1, 12, 12), None, "the batch is empty"),
        (torch.full((1, 1, 12, 12), float("nan")), None, "NaN or infinite"),
        (torch.full((1, 1, 12, 12), float("inf")), None, "NaN or infinite"),
        (torch.zeros(2, 1, 12, 12, dtype=torch.uint8), None, "expected a batch|Expected a batch"),
        (torch.zeros(1, 1, 12, 12), 3, "the target 3 is no class"),
        (torch.zeros(1, 1, 12, 12), -1, "the target -1 is no class"),
        (torch.zeros(2, 1, 12, 12), torch.tensor([0, 1, 2]), "one class index, or one for each sample"),
        (torch.zeros(1, 1, 12, 12), torch.tensor([0.5]), "one class index, or one for each sample"),
    ],
)
def test_bad_inputs_and_targets_are_refused(method, cnn, inputs, target, said):
    with pytest.raises(ShapeError, match=said):
        method()(cnn, inputs, target)


@every_method
def test_inputs_of_a_wrong_shape_are_refused(method, cnn):
    with pytest.raises((ModelError, ShapeError), match=r"tiny broke on inputs shaped|inputs shaped"):
        method()(cnn, torch.rand(2, 2, 12, 12), 0)


@every_method
def test_a_network_with_other_outputs_is_refused(method, cnn, packed_net, images):
    with pytest.raises(ModelError, match=r"tiny gives dict for a batch.*Wrap the network|tiny gives a dict"):
        method()(Model(packed_net, "tiny", cnn.classes, cnn.preprocess), images, 0)


@every_method
def test_a_network_whose_logits_are_not_finite_is_refused(method, cnn, images):
    with torch.no_grad():
        cnn.net.fc2.bias[1] = float("nan")
    with pytest.raises(ModelError, match="logits that are not finite"):
        method()(cnn, images, 0)


@every_method
def test_a_constant_image_is_explained(method, cnn):
    found = method()(cnn, torch.zeros(1, 1, 12, 12), 0)
    assert found.values.isfinite().all()


@every_method
def test_a_method_says_what_it_is(method):
    assert EXPLAINERS[method.name] is method
    for said in (method.family, method.needs, method.cost, method.gives, method.reference):
        assert said
        assert not said.endswith(".")
    assert method.reference.startswith(("arXiv:", "doi:"))
    assert "References" in inspect.getdoc(method)
    assert method.reference.removeprefix("doi:") in inspect.getdoc(method)
    assert method() == method()
