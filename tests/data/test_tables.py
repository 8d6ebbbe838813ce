"""The tables that come with netlens: their rows are those of their source, and the simulated one follows its formula."""

import numpy as np
import pytest

from netlens.data import DATASETS, Standardise, load
from netlens.data import credit as simulation

TABLES = [("breast-cancer", 398, 171, 30), ("wine", 125, 53, 13), ("diabetes", 310, 132, 10), ("credit-simulated", 4000, 1000, 7)]


@pytest.mark.parametrize(("name", "train", "test", "columns"), TABLES)
def test_splits_have_their_sizes_and_columns(name, train, test, columns):
    for split, size in (("train", train), ("test", test)):
        data = load(name, split)
        assert data.raw.shape == (size, columns)
        assert len(data.features) == len(set(data.features)) == columns
        assert set(data.labels.tolist()) == set(range(len(data.classes)))
        assert data.modality == DATASETS[name].modality == "table"
    assert train + test == DATASETS[name].samples
    assert f"{train:,} to train on, {test:,} to test on" in DATASETS[name].summary


@pytest.mark.parametrize("name", [name for name, *_ in TABLES])
def test_both_splits_are_standardised_by_the_training_split(name):
    train, test = load(name, "train"), load(name, "test")
    assert train.preprocess == test.preprocess == Standardise.fit(train.raw)
    inputs = train.all().inputs.double()
    assert inputs.mean(0).abs().max() < 1e-5
    assert (inputs.std(0, correction=0) - 1).abs().max() < 1e-4
    assert test.all().inputs.mean(0).abs().max() > 1e-3


def test_the_tumours_are_those_of_scikit_learn_with_their_names():
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    rows = {(int(label), row.tobytes()) for row, label in zip(bunch.data, bunch.target, strict=True)}
    ours = [load("breast-cancer", split) for split in ("train", "test")]
    assert {(int(label), row.tobytes()) for part in ours for row, label in zip(part.raw, part.labels, strict=True)} == rows
    assert ours[0].classes == tuple(bunch.target_names)


def test_the_classes_of_diabetes_are_cut_at_the_median_and_the_groups_go_with_their_rows():
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    faster = {row.tobytes(): target > np.median(bunch.target) for row, target in zip(bunch.data, bunch.target, strict=True)}
    for split in ("train", "test"):
        data = load("diabetes", split)
        assert [faster[row.tobytes()] for row in data.raw] == (data.labels == 1).tolist()
        assert (data.groups["age"] == "under 50").tolist() == (data.raw[:, 0] < 50).tolist()
        assert data.groups["sex"].tolist() == [f"sex {int(sex)}" for sex in data.raw[:, 1]]


def test_the_simulated_labels_follow_the_formula():
    data = load("credit-simulated", "train")
    expected = 1 / (1 + np.exp(-simulation.log_odds(data.raw)))
    for low, high in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1)):
        inside = (expected >= low) & (expected < high)
        error = np.sqrt(expected[inside].mean() * (1 - expected[inside].mean()) / inside.sum())
        assert abs(data.labels[inside].mean() - expected[inside].mean()) < 4 * error


def test_the_simulated_columns_are_what_is_said_of_them():
    data = load("credit-simulated", "train")
    terms, columns = simulation.terms(data.raw), dict(zip(data.features, data.raw.T, strict=True))
    assert [name for name, term in zip(data.features, terms.T, strict=True) if not term.any()] == [
        "loan",
        "district",
        "lucky number",
    ]
    assert np.corrcoef(columns["loan"], columns["debt"])[0, 1] > 0.9
    assert abs(np.corrcoef(columns["age"], data.labels)[0, 1]) < 0.05 < terms[:, 4].std()
    second = data.groups["group"] == "B"
    assert columns["district"][second].mean() - columns["district"][~second].mean() > 1.5
    assert columns["income"][second].mean() < 0.8 * columns["income"][~second].mean()
    assert np.array_equal(load("credit-simulated", "train").raw, simulation.simulated()["train"].raw)
