"""What is missing is said in words; bugs are not taken for something missing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from netlens.audit import audit
from netlens.audit.check import Check
from netlens.audit.finding import Outcome
from netlens.audit.material import Material, material
from netlens.audit.needs import MEANING, NEEDS, missing
from netlens.audit.subject import SCHEMA, Subject
from netlens.card import Card
from netlens.data import load
from netlens.errors import DataError, UsageError
from netlens.trained import obtain
from tests.audit.conftest import CLASSES, Reader, dataset, model, right_and_wrong, subject

EARLIER = {"schema": SCHEMA, "data": {"test": {"fingerprint": "x"}}}


def said(need, one):
    return missing([need], one).get(need, "")


def test_nothing_is_missing_for_a_whole_subject(train):
    one = subject(train=train)
    grouped = replace(one.test, groups={"side": np.repeat(["a", "b", "c"], 250)})
    same = {"schema": SCHEMA, "data": {"test": {"fingerprint": grouped.fingerprint}}}
    assert missing(NEEDS, replace(one, test=grouped, previous=same)) == {}


def test_every_need_has_a_meaning_for_readers():
    assert list(MEANING) == list(NEEDS)


def test_what_is_missing_is_said():
    one = subject()
    assert said("train data", one) == "The training data were not supplied."
    assert said("groups", one) == "The card names no groups of people or cases."
    assert said("groups", replace(one, groups_fault="3 rows for 9 images.")).endswith("do not fit the data: 3 rows for 9 images.")
    assert said("previous audit", one) == "No earlier audit was given to compare with."
    assert said("answers", subject(net=Reader(float("nan")))).startswith("Some answers of the model are not numbers")
    text = replace(one, test=replace(one.test, modality="text"))
    assert said("images", text) == "This question is asked of images only."
    assert said("continuous inputs", text) == "This question is not asked of text."
    assert said("gradients", text) == "This is measured with inputs that can be changed in small steps; words cannot."


@pytest.mark.parametrize(
    ("previous", "sentence"),
    [
        ({"schema": "netlens-audit/1"}, "The earlier audit is written in another form: netlens-audit/1."),
        ({}, "The earlier audit is written in another form: none."),
        (EARLIER, "The earlier audit was measured on other data."),
    ],
)
def test_an_earlier_audit_of_something_else_is_not_compared(previous, sentence):
    assert said("previous audit", subject(previous=previous)) == sentence


def test_an_unknown_need_is_a_mistake_of_the_check():
    with pytest.raises(UsageError, match=r"there is no need 'group'\. Did you mean 'groups'"):
        missing(["group"], subject())


def breaks(_subject, _limits):
    raise ZeroDivisionError("a bug")


def never(_subject, _limits) -> Outcome:
    raise AssertionError("it was asked without what it needs")


def test_a_bug_in_a_check_is_not_hidden():
    check = Check("NL999", "T", "data", "w", "y", "a", "b", breaks)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        check.run(subject())


def test_a_check_is_not_asked_without_what_it_needs():
    found = Check("NL999", "T", "data", "w", "y", "a", "b", never, needs=("groups", "train data")).run(subject())
    assert found.missing == ("groups", "train data")
    assert found.sentence == "The card names no groups of people or cases. The training data were not supplied."


def card(**data):
    return Card.model_validate({"model": {"name": "a", "factory": "a:b", "weights": "w"}, "data": data})


def test_the_data_of_a_registered_card():
    found = material(card(source="digits"))
    assert isinstance(found, Material)
    assert (found.test.fingerprint, found.groups_fault) == (load("digits", "test").fingerprint, "")
    assert found.train is not None


@pytest.fixture
def own(tmp_path):
    """A card whose table of images has three rows, and a file of groups that has two."""
    np.savez(tmp_path / "data.npz", images=np.zeros((3, 4, 4), np.uint8), labels=np.array([0, 1, 0]))
    (tmp_path / "groups.csv").write_text("sex\nf\nm\n")
    return card(source="npz:data.npz", classes=["a", "b"], groups="groups.csv").model_copy(
        update={"path": tmp_path / "card.toml"}
    )


def test_groups_that_do_not_fit_are_left_out_with_the_reason(own):
    found = material(own)
    assert (len(found.test), found.train, dict(found.test.groups)) == (3, None, {})
    assert "groups.csv" in found.groups_fault


def test_the_reason_names_no_folder_of_a_machine(own, tmp_path):
    fault = material(own).groups_fault
    assert str(tmp_path) not in fault
    assert "'groups.csv' has 2 rows, and there are 3 samples" in fault


@pytest.mark.usefixtures("own")
def test_a_model_is_loaded_whatever_its_groups_are_like(tmp_path):
    (tmp_path / "net.py").write_text("from tests.audit.conftest import Reader as build\n")
    save_file(Reader(5.0).state_dict(), tmp_path / "w.safetensors")
    lines = [
        "[model]",
        'name = "a"',
        'factory = "net.py:build"',
        'weights = "w.safetensors"',
        "[data]",
        'source = "npz:data.npz"',
    ]
    (tmp_path / "card.toml").write_text("\n".join([*lines, 'classes = ["a", "b", "c"]', 'groups = "groups.csv"']))
    loaded, _ = obtain(str(tmp_path / "card.toml"), device="cpu")
    found = audit(loaded, material(loaded.card), checks=["NL101", "NL701"])
    assert [one.verdict for one in found.findings.values()] == ["PASS", "NOT SHOWN"]
    assert "do not fit the data: card 'card.toml': 'groups.csv' has 2 rows" in found.findings["NL701"].sentence


def test_data_that_cannot_be_read_stay_an_error(own):
    (own.path.parent / "data.npz").unlink()
    with pytest.raises(DataError, match=r"data\.npz"):
        material(own)


def test_choices_of_samples_are_parts_of_larger_ones():
    one = subject()
    assert set(one.ids(20)) < set(one.ids(100))
    assert one.ids(10**6) == list(range(750))
    assert one.ids(20) != replace(one, seed=1).ids(20)
    assert one.sample(5).ids.tolist() == one.ids(5)


def test_a_report_names_no_folder():
    one = Subject(model(Reader()), replace(dataset(*right_and_wrong((0, 0, 0), 2)), name="/home/a/pictures"))
    assert (one.data_name, one.noun, one.nouns, one.test.classes) == ("pictures", "image", "images", CLASSES)


def test_a_network_without_gradients_is_found_out():
    class Deaf(Reader):
        def forward(self, inputs):
            return super().forward(inputs.detach())

    assert [Subject(model(net), dataset(*right_and_wrong((0, 0, 0), 2))).differentiable for net in (Reader(), Deaf())] == [
        True,
        False,
    ]
    assert torch.is_grad_enabled()
