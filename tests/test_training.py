"""Training: the same again under a seed, and a record that is true to what happened."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from netlens.data import Dataset, Preprocess, Standardise, load
from netlens.errors import ModelError, UsageError
from netlens.models.architectures import MnistCNN
from netlens.models.model import weights_fingerprint
from netlens.models.tables import TableMLP
from netlens.models.tutorial import TUTORIAL_MODELS, Recipe
from netlens.seeding import generator, seed_everything
from netlens.training import fit, shifted

QUICK = Recipe(epochs=2, batch_size=20, shift=1)


@pytest.fixture(scope="module")
def few(digits):
    """The first 50 training and 30 test samples."""
    train, test = digits
    return tuple(
        Dataset(part.name, part.split, part.classes, part.raw[:n], part.labels[:n], part.preprocess)
        for part, n in ((train, 50), (test, 30))
    )


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * 36, 10))


def trained(few, seed=0, recipe=QUICK):
    net = network()
    torch.manual_seed(1)  # for the dropout
    return net, fit(net, *few, recipe, seed=seed)


def test_one_seed_gives_the_same_bits_and_another_does_not(few):
    (first, record), (second, again), (other, changed) = trained(few), trained(few), trained(few, seed=1)
    assert weights_fingerprint(first) == weights_fingerprint(second) != weights_fingerprint(other)
    for name in ("loss", "accuracy", "gradient_norm", "weight_norm", "test_loss", "test_accuracy"):
        assert np.array_equal(getattr(record, name), getattr(again, name)), name
    assert not np.array_equal(record.loss, changed.loss)


def test_the_record_has_a_row_for_each_step_and_each_epoch(few):
    net, record = trained(few)
    assert record.layers == ("0", "4")
    assert record.loss.shape == record.accuracy.shape == (6,)
    assert record.gradient_norm.shape == record.weight_norm.shape == (6, 2)
    assert record.test_loss.shape == record.test_accuracy.shape == (2,)
    assert not any(module.training for module in net.modules())


def test_the_first_step_is_what_autograd_gives_by_hand(few):
    train, test = few
    recipe = Recipe(epochs=1, batch_size=20, shift=1)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))
    initial = copy.deepcopy(net)
    record = fit(net, train, test, recipe, seed=7)

    draw = generator(7)
    ids = torch.randperm(50, generator=draw)[:20]
    down, right = torch.randint(-1, 2, (2,), generator=draw).tolist()
    batch = train.take(ids.tolist())
    logits = initial(batch.inputs.roll((down, right), (2, 3)))
    loss = nn.functional.cross_entropy(logits, batch.labels)
    loss.backward()
    assert record.loss[0] == pytest.approx(loss.item(), rel=1e-5)
    assert record.accuracy[0] == pytest.approx((logits.argmax(1) == batch.labels).float().mean().item())
    for column, layer in enumerate((initial[0], initial[3])):
        gradient = torch.cat([layer.weight.grad.flatten(), layer.bias.grad])
        weights = torch.cat([layer.weight.flatten(), layer.bias])
        assert record.gradient_norm[0, column] == pytest.approx(gradient.norm().item(), rel=1e-4)
        assert record.weight_norm[0, column] == pytest.approx(weights.norm().item(), rel=1e-5)


def test_the_last_test_values_are_those_of_the_network_that_is_left(few):
    net, record = trained(few)
    batch = few[1].all()
    with torch.no_grad():
        logits = net(batch.inputs)
    assert record.test_loss[-1] == pytest.approx(nn.functional.cross_entropy(logits, batch.labels).item(), rel=1e-5)
    assert record.test_accuracy[-1] == pytest.approx((logits.argmax(1) == batch.labels).float().mean().item())


def test_a_frozen_layer_is_recorded_and_not_moved(few):
    net = network()
    net[0].requires_grad_(False)
    before = net[0].weight.clone()
    record = fit(net, *few, QUICK)
    assert torch.equal(net[0].weight, before)
    assert not record.gradient_norm[:, 0].any()
    assert np.ptp(record.weight_norm[:, 0]) == 0
    assert record.gradient_norm[:, 1].all()


def test_training_learns_and_leaves_the_data_and_the_threads_alone(few):
    train = few[0]
    raw, threads = train.raw.copy(), torch.get_num_threads()
    net = network()
    torch.set_num_threads(1)
    record = fit(net, train, train, Recipe(epochs=30, batch_size=25, learning_rate=1e-2, shift=0), seed=0)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(threads)
    assert np.array_equal(train.raw, raw)
    assert record.test_accuracy[-1] > 0.95
    assert record.test_loss[-1] < record.test_loss[0] / 2


def test_a_loss_that_is_no_number_ends_training(few):
    with pytest.raises(
        ModelError, match=r"^fit: the loss is no longer a finite number\. Lower the learning rate of the recipe\.$"
    ):
        trained(few, recipe=Recipe(epochs=3, batch_size=20, learning_rate=1e30))


@pytest.mark.parametrize("seed", range(6))
def test_a_shift_is_a_roll_of_the_whole_batch(seed):
    batch = torch.arange(2 * 3 * 5 * 5).reshape(2, 3, 5, 5)
    moved = shifted(batch, 2, generator(seed))
    rolls = {(down, right): torch.roll(batch, (down, right), (2, 3)) for down in range(-2, 3) for right in range(-2, 3)}
    assert sum(torch.equal(moved, roll) for roll in rolls.values()) == 1


def test_shifts_reach_both_ends_and_no_shift_draws_nothing():
    batch, draw = torch.arange(25).reshape(1, 1, 5, 5), generator(0)
    corners = {int((shifted(batch, 1, draw) == 12).nonzero()[0, 2]) for _ in range(40)}
    assert corners == {1, 2, 3}
    state = draw.get_state()
    assert shifted(batch, 0, draw) is batch
    assert torch.equal(draw.get_state(), state)


def test_a_grey_image_of_any_size_can_be_learned():
    raw = np.zeros((8, 4, 4), dtype=np.uint8)
    raw[::2] = 255
    data = Dataset("two", "train", ("black", "white"), raw, np.arange(8) % 2, Preprocess((0.5,), (0.5,)))
    record = fit(MnistCNN(4, classes=2), data, data, Recipe(epochs=8, batch_size=8, shift=1))
    assert record.test_accuracy[-1] == 1


@pytest.mark.slow
def test_the_tutorial_network_reads_97_of_100_digits():
    train, test = (load("mnist-5k", split) for split in ("train", "test"))
    seed_everything(0)
    record = fit(MnistCNN(), train, test, TUTORIAL_MODELS["mnist-cnn"].recipes["mnist-5k"], seed=0)
    assert record.test_accuracy[-1] >= 0.97
    assert math.isfinite(record.loss.max())


def rows(name="rows"):
    raw = np.random.default_rng(0).normal(size=(60, 3))
    return Dataset(
        name, "train", ("low", "high"), raw, (raw[:, 1] > 0).astype(np.int64), Standardise.fit(raw), "table", ("a", "b", "c")
    )


def test_rows_of_a_table_can_be_learned():
    data = rows()
    torch.manual_seed(0)
    record = fit(TableMLP(3), data, data, Recipe(epochs=20, batch_size=20, learning_rate=1e-2, shift=0))
    assert record.test_accuracy[-1] > 0.95


def test_whole_numbers_stay_whole_on_their_way_into_a_network():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(4, 2)

        def forward(self, ids):
            assert ids.dtype == torch.int64
            assert ids.is_contiguous()
            return self.table(ids).mean(1)

    def encode(raw):
        return torch.tensor([[1, 2] if "good" in text else [3, 0] for text in raw])

    raw = np.array(["good film", "bad film"] * 10)
    data = Dataset("words", "train", ("no", "yes"), raw, np.array([1, 0] * 10), encode, "text")
    record = fit(Tokens(), data, data, Recipe(epochs=30, batch_size=10, learning_rate=0.1, shift=0))
    assert record.test_accuracy[-1] == 1


def test_a_shift_of_what_is_no_image_is_refused():
    with pytest.raises(UsageError, match=r"fit: the recipe shifts by up to 1, and 'rows' holds table\. Expected shift = 0"):
        fit(TableMLP(3), rows(), rows(), Recipe(epochs=1))
