"""The photographs that packages ship, and a classifier of torchvision on them, without a network connection."""

import pytest

from netlens.card import read_card
from netlens.data import load, of_card, reference
from netlens.errors import DataError
from netlens.explain import EXPLAINERS
from netlens.models import load_model
from netlens.publish.card_check import check

CARD = '[model]\nname = "random"\ntorchvision = "mobilenet_v3_small"\npretrained = false\n\n[data]\nsource = "photographs"\n'


@pytest.fixture
def card(tmp_path):
    (tmp_path / "card.toml").write_text(CARD)
    return tmp_path / "card.toml"


def test_the_photographs_have_classes_of_imagenet():
    data = load("photographs")
    assert (data.raw.shape, len(data.classes)) == ((3, 224, 224, 3), 1000)
    assert [data.classes[label] for label in data.labels] == ["tabby", "espresso", "tripod"]
    assert data.labels.tolist() == [281, 967, 872]
    inputs = data.all().inputs
    assert inputs.shape == (3, 3, 224, 224)
    assert data.preprocess.mean == (0.485, 0.456, 0.406)


def test_there_is_nothing_to_train_on(card):
    with pytest.raises(DataError, match=r"^data set 'photographs': it has no training data: all of it is held out"):
        load("photographs", "train")
    with pytest.raises(DataError, match="the card names no training data, and 'photographs' is all held out"):
        of_card(read_card(card), "train")
    assert len(reference(read_card(card), 2)) == 2


def test_a_classifier_of_torchvision_is_checked_and_explained(card):
    found = check(card)
    assert (found.input_shape, len(found.classes), found.samples) == ((3, 224, 224), 1000, 3)
    assert found.refusals["saliency"] == found.refusals["grad_cam"] == ""
    model = load_model(read_card(card))
    inputs = of_card(model.card).take(1).inputs
    assert EXPLAINERS["saliency"]()(model, inputs, 281).values.shape == inputs.shape
