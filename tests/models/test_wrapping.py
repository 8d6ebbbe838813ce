"""Networks in memory, and what they give: read as logits, or refused in words."""

from __future__ import annotations

import copy
from collections import namedtuple

import pytest
import torch
from torch import nn

import netlens
from netlens.data import Preprocess
from netlens.errors import ModelError, ShapeError, UsageError
from netlens.explain import DeepLIFT, IntegratedGradients, Saliency
from netlens.models.adapter import Adapter, is_closed

ROWS = torch.rand(4, 6, generator=torch.Generator().manual_seed(0))
Pair = namedtuple("Pair", "hidden logits")


class Gives(nn.Module):
    """A linear layer, and what `made` makes of it."""

    def __init__(self, made, outputs=3):
        super().__init__()
        self.body, self.relu, self.head = nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, outputs)
        self.drop = nn.Dropout()
        self.made = made

    def forward(self, inputs):
        hidden = self.relu(self.body(inputs))
        return self.made(self.drop(self.head(hidden)), hidden)


AS_LOGITS = {
    "a tensor": lambda logits, _: logits,
    "a dictionary": lambda logits, _: {"loss": None, "logits": logits},
    "a dictionary of other names": lambda logits, hidden: {"features": hidden, "out": logits},
    "a tuple": lambda logits, hidden: (logits, hidden),
    "a tuple with logits last": lambda logits, hidden: (hidden, logits),
    "a named tuple": lambda logits, hidden: Pair(hidden, logits),
    "maps of one pixel": lambda logits, _: logits[:, :, None, None],
}


@pytest.mark.parametrize("made", AS_LOGITS.values(), ids=AS_LOGITS)
def test_logits_are_found_in_what_a_network_gives(made):
    net = Gives(made)
    plain = copy.deepcopy(net)
    plain.made = AS_LOGITS["a tensor"]
    model = netlens.wrap(net, 3, sample=ROWS)
    assert model.notes == ()
    torch.testing.assert_close(model.logits(ROWS), plain.eval()(ROWS).detach())
    for method in (Saliency(), IntegratedGradients("zero", n_steps=8), DeepLIFT("zero")):
        expected = method(netlens.wrap(plain, 3), ROWS, 1).values
        torch.testing.assert_close(method(model, ROWS, 1).values, expected, atol=1e-6, rtol=1e-4)


READ = {
    "probabilities": (lambda logits, _: logits.softmax(1), 3, lambda logits: logits.softmax(1), "it gives probabilities; their logarithms are taken"),
    "one logit": (lambda logits, _: 3 * logits - 9, 1, None, "it gives one number, which is taken as the logit of 'yes' over 'no'"),
    "one probability": (lambda logits, _: logits.sigmoid(), 1, None, "it gives one number from 0 to 1, which is taken as the probability of 'yes'"),
    "one probability without a column": (lambda logits, _: logits.sigmoid()[:, 0], 1, None, "taken as the probability of 'yes'"),
}  # fmt: skip


@pytest.mark.parametrize(("made", "outputs", "meant", "note"), READ.values(), ids=READ)
def test_the_softmax_of_the_logits_is_what_the_network_meant(made, outputs, meant, note):
    net = Gives(made, outputs).eval()
    model = netlens.wrap(net, ["a", "b", "c"] if outputs == 3 else ["no", "yes"], sample=ROWS)
    assert note in model.notes[0]
    given = net(ROWS).detach()
    yes = given.reshape(-1) if given.min() >= 0 else given.reshape(-1).sigmoid()
    expected = given if meant else torch.stack([1 - yes, yes], 1)
    torch.testing.assert_close(model.logits(ROWS).softmax(1), expected, atol=1e-6, rtol=1e-5)
    assert Saliency()(model, ROWS, 0).values.abs().sum() > 0


def test_an_adapter_is_not_noticed():
    net = Gives(AS_LOGITS["a dictionary"])
    model = netlens.wrap(net, 3, sample=ROWS)
    plain = netlens.wrap(net, 3)
    assert isinstance(model.net, Adapter)
    assert list(model.layers) == list(plain.layers)
    assert (model.fingerprint, model.parameters) == (plain.fingerprint, plain.parameters)
    model.net.train()
    assert model.net(ROWS).shape == (4, 3)
    assert net.training
    twin = copy.deepcopy(model.net)
    with torch.no_grad():
        twin.head.bias.add_(1)
    assert torch.equal(model.net.head.bias + 1, twin.head.bias)
    torch.testing.assert_close(twin.eval()(ROWS), model.net.eval()(ROWS) + 1)


def test_what_is_given_is_kept():
    net, preprocess = Gives(AS_LOGITS["a tensor"]), Preprocess((0.5,), (0.25,))
    model = netlens.wrap(net, ["a", "b", "c"], name="mine", preprocess=preprocess)
    assert (model.net, model.name, model.classes, model.preprocess) == (net, "mine", ("a", "b", "c"), preprocess)
    other = netlens.wrap(net, 3, mean=[0.1, 0.2, 0.3], std=[1, 2, 3])
    assert (other.name, other.classes, other.preprocess) == ("Gives", ("0", "1", "2"), Preprocess((0.1, 0.2, 0.3), (1, 2, 3)))


def test_padding_becomes_a_mask():
    class Reads(nn.Module):
        def forward(self, inputs, attention_mask):
            return (inputs * 0 + attention_mask).sum(1, keepdim=True).float() * torch.ones(1, 3)

    ids = torch.tensor([[4, 5, 0], [4, 5, 6]])
    model = netlens.wrap(Reads(), 3, sample=ids, pad=0)
    assert model.logits(ids)[:, 0].tolist() == [2, 3]


WRONG = {
    "no network": (lambda: netlens.wrap(lambda x: x, 3), UsageError, r"wrap: got a function\. Expected a torch\.nn\.Module"),
    "one class": (lambda: netlens.wrap(nn.Linear(6, 3), ["a"]), UsageError, r"classes got \['a'\]\. Expected two names or more that differ"),
    "a class twice": (lambda: netlens.wrap(nn.Linear(6, 3), ["a", "a"]), UsageError, r"classes got \['a', 'a'\]"),
    "a text": (lambda: netlens.wrap(nn.Linear(6, 3), "abc"), UsageError, r"classes got 'abc'"),
    "other classes": (lambda: netlens.wrap(nn.Linear(6, 3), 4, sample=ROWS), ShapeError, r"model 'Linear': it gives 3 logits and has 4 classes\..*Mend the classes"),
    "other inputs": (lambda: netlens.wrap(nn.Linear(7, 3), 3, sample=ROWS), ModelError, r"does not run on inputs \(4, 6\) \(RuntimeError: .*the network and the data fit"),
    "nothing of use": (lambda: netlens.wrap(Gives(lambda _, hidden: {"hidden": hidden}), 3, sample=ROWS), ModelError, r"it gives a dict of hidden\. Expected logits \(N, 3\)"),
    "a text as output": (lambda: netlens.wrap(Gives(lambda *_: "cat"), 3, sample=ROWS), ModelError, r"it gives a str\. Expected logits \(N, 3\)"),
    "one row for all": (lambda: netlens.wrap(Gives(lambda logits, _: logits[:1]), 3, sample=ROWS), ModelError, r"gives 1 rows for a batch of 4, so its batch size is built in"),
    "a batch of its own": (lambda: netlens.wrap(Gives(lambda logits, _: logits.view(4, 3)), 3, sample=ROWS), ModelError, r"runs on two rows and not on one"),
    "a GPU": (lambda: netlens.wrap(Gives(lambda logits, _: logits.cuda()), 3, sample=ROWS), ModelError, r"It asks for a GPU by itself"),
    "no mask": (lambda: netlens.wrap(nn.Linear(6, 3), 3, sample=ROWS, pad=0), ModelError, r"Linear takes no attention_mask"),
    "a pad alone": (lambda: netlens.wrap(nn.Linear(6, 3), 3, pad=0), UsageError, r"got pad without a sample"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_a_model_is_told(call, kind, said):
    if "GPU" in said and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(kind, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_dictionary_without_a_sample_is_told_with_the_way_out():
    model = netlens.wrap(Gives(AS_LOGITS["a dictionary"]), 3)
    with pytest.raises(ShapeError, match=r"it gives dict\. .*netlens\.wrap\(net, classes, sample=inputs\) picks the logits out"):
        model.logits(ROWS)


def test_a_program_in_memory_is_wrapped():
    any_size = ({0: torch.export.Dim("rows")},)
    program = torch.export.export(Gives(AS_LOGITS["a tuple"]).eval(), (ROWS,), dynamic_shapes=any_size).module()
    assert is_closed(program)
    model = netlens.wrap(program, 3, sample=ROWS)
    with pytest.raises(ModelError, match="has operations and no layers"):
        model.layer("body")


def test_other_names_of_the_package_are_refused():
    with pytest.raises(AttributeError, match="module 'netlens' has no attribute 'warp'"):
        netlens.warp  # noqa: B018
