"""Data sets in memory: inputs and back, samples by position, fingerprints."""

import numpy as np
import pytest
import torch

from netlens.data import Dataset, Preprocess, Standardise
from netlens.errors import DataError


def dataset(raw=None, labels=(0, 1, 1), classes=("cat", "dog"), name="pets"):
    raw = np.arange(12, dtype=np.uint8).reshape(3, 2, 2) if raw is None else raw
    return Dataset(name, "test", classes, raw, np.asarray(labels, dtype=np.int64), Preprocess((0.5,), (0.25,)))


def test_preprocessing_a_grey_image_by_hand():
    inputs = Preprocess((0.5,), (0.25,))(np.array([[[0, 255], [51, 102]]], dtype=np.uint8))
    assert inputs.shape == (1, 1, 2, 2)
    assert inputs.dtype == torch.float32
    torch.testing.assert_close(inputs[0, 0], torch.tensor([[-2.0, 2.0], [-1.2, -0.4]]))


def test_preprocessing_a_colour_image_by_hand():
    raw = np.zeros((1, 4, 5, 3), dtype=np.uint8)
    raw[0, 1, 2] = (255, 102, 51)
    inputs = Preprocess((0.0, 0.4, 0.1), (1.0, 0.2, 0.1))(raw)
    assert inputs.shape == (1, 3, 4, 5)
    torch.testing.assert_close(inputs[0, :, 1, 2], torch.tensor([1.0, 0.0, 1.0]))
    torch.testing.assert_close(inputs[0, :, 0, 0], torch.tensor([0.0, -2.0, -1.0]))


@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 3, 5, 3)])
def test_inverting_gives_the_pixels_back(shape):
    raw = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    channels = shape[3] if len(shape) == 4 else 1
    preprocess = Preprocess((0.1, 0.2, 0.3)[:channels], (0.5, 0.6, 0.7)[:channels])
    pixels = preprocess.invert(preprocess(raw))
    assert np.array_equal(
        (255 * pixels).round().to(torch.uint8).squeeze(1).numpy(), np.moveaxis(raw, -1, 1) if channels > 1 else raw
    )


def test_inputs_do_not_share_memory_with_the_images():
    data = dataset()
    before = data.raw.copy()
    data.take(2).inputs.fill_(9)
    assert np.array_equal(data.raw, before)


def test_take_gives_the_first_or_the_named_samples():
    data = dataset()
    first, named = data.take(2), data.take([2, 0])
    assert first.ids.tolist() == [0, 1]
    assert named.ids.tolist() == [2, 0]
    assert named.labels.tolist() == [1, 0]
    assert named.labels.dtype == torch.int64
    assert np.array_equal(named.raw, data.raw[[2, 0]])
    assert torch.equal(named.inputs, data.preprocess(data.raw)[[2, 0]])
    assert len(named) == 2
    assert data.all().ids.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (4, "sample 3 was asked for"),
        ([0, 3], "sample 3 was asked for"),
        ([-1], "sample -1 was asked for"),
        (0, "no sample was asked for"),
        (-2, "no sample was asked for"),
        ([], "no sample was asked for"),
    ],
)
def test_samples_outside_the_split_are_refused(samples, problem):
    expected = f"^data set 'pets': {problem}. Expected positions from 0 to 2: the test split has 3 samples.$"
    with pytest.raises(DataError, match=expected):
        dataset().take(samples)


@pytest.mark.parametrize(("samples", "labels"), [(3, (0, 1)), (0, ())])
def test_a_data_set_without_a_label_for_each_sample_is_refused(samples, labels):
    with pytest.raises(DataError, match=f"the test split has {samples} samples and {len(labels)} labels"):
        dataset(np.zeros((samples, 2, 2), dtype=np.uint8), labels)


def test_equal_data_have_equal_fingerprints():
    assert dataset().fingerprint == dataset(name="other").fingerprint
    assert len(dataset().fingerprint) == 64


def one_pixel():
    raw = dataset().raw.copy()
    raw[1, 1, 1] += 1
    return raw


@pytest.mark.parametrize(
    "changed",
    [
        {"raw": one_pixel()},
        {"raw": dataset().raw[::-1]},
        {"raw": dataset().raw.reshape(3, 1, 4)},
        {"raw": dataset().raw[..., None]},
        {"labels": (0, 1, 0)},
        {"classes": ("cat", "hound")},
        {"classes": ("cat", "dog", "fox")},
    ],
    ids=["one pixel", "the order", "the shape", "a channel", "one label", "a class name", "a class more"],
)
def test_any_change_changes_the_fingerprint(changed):
    assert dataset(**changed).fingerprint != dataset().fingerprint


def text(raw=("ab", "c"), labels=(0, 1), **changes):
    return Dataset("words", "test", ("no", "yes"), np.array(raw), np.asarray(labels), len, "text", **changes)


def table(raw=((1.0, 2.0), (3.0, 4.0)), **changes):
    settings = {"features": ("age", "height"), "groups": {"sex": np.array(["f", "m"])}} | changes
    raw = np.array(raw)
    return Dataset("rows", "test", ("no", "yes"), raw, np.array([0, 1]), Standardise.fit(raw), "table", **settings)


def test_the_fingerprint_of_texts_is_of_their_letters_and_not_of_how_wide_numpy_keeps_them():
    wide = Dataset("words", "test", ("no", "yes"), np.array(["ab", "c"], dtype="U30"), np.array([0, 1]), len, "text")
    assert wide.fingerprint == text().fingerprint
    assert len({text(raw).fingerprint for raw in (("ab", "c"), ("a", "bc"), ("", "abc"), ("ab", "c "), ("c", "ab"))}) == 5


@pytest.mark.parametrize(
    "changed",
    [
        {"features": ("age", "size")},
        {"features": ("height", "age")},
        {"groups": {}},
        {"groups": {"gender": np.array(["f", "m"])}},
        {"groups": {"sex": np.array(["m", "f"])}},
    ],
)
def test_a_change_of_features_or_groups_changes_the_fingerprint(changed):
    assert table(**changed).fingerprint != table().fingerprint


def test_a_batch_of_a_table_has_its_rows_and_groups():
    batch = table().take([1])
    assert batch.raw.tolist() == [[3.0, 4.0]]
    assert batch.groups["sex"].tolist() == ["m"]
    assert batch.inputs.tolist() == [[1.0, 1.0]]


def test_standardising_by_hand_and_back():
    raw = np.array([[1.0, 0.1, 1e6], [3.0, 0.1, 1e6 + 2], [2.0, 0.1, 1e6 + 1]])[:2]
    known = Standardise.fit(raw)
    assert (known.mean, known.std) == ((2.0, 0.1, 1e6 + 1), (1.0, 1.0, 1.0))
    inputs = known(raw)
    assert inputs.dtype == torch.float32
    assert inputs.tolist() == [[-1.0, 0.0, -1.0], [1.0, 0.0, 1.0]]
    assert np.allclose(known.invert(inputs).numpy(), raw)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"features": ("age",)}, r"a table shaped \(2, 2\) has 1 names of features"),
        ({"raw": ((1.0,), (2.0,))}, r"a table shaped \(2, 1\) has 2 names of features"),
        ({"groups": {"sex": np.array(["f"])}}, "the attribute 'sex' has 1 values for 2 samples"),
    ],
)
def test_a_table_whose_parts_do_not_fit_is_refused(changed, said):
    with pytest.raises(DataError, match=f"^data set 'rows': {said}"):
        table(**changed)
