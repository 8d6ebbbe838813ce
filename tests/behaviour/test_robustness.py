"""Disturbed images, attacks, junk and masks, on networks whose answers can be worked out."""

import numpy as np
import pytest
import torch
from torch import nn

from netlens.behaviour.adversarial import Attack, Attacks, adversarial, faults, noticed, pixel_scale
from netlens.behaviour.answers import probabilities, raw_logits, right
from netlens.behaviour.corruptions import CORRUPTIONS, corrupt, corruptions
from netlens.behaviour.intervals import wilson
from netlens.behaviour.masking import mask, masking
from netlens.behaviour.unfamiliar import KINDS, foreign, junk, unfamiliar
from netlens.data import Preprocess
from netlens.errors import DataError, ShapeError, UsageError
from netlens.models.model import Model
from tests.behaviour.conftest import MEAN, SIDE, STD, Halves, halves, images

GREY = foreign((6, 24, 24), np.random.default_rng(5))
COLOUR = np.stack([GREY[:, :20], 255 - GREY[:, :20], GREY[:, 4:]], axis=-1)


def test_answers_are_those_of_the_model(model, data):
    batch = data.all()
    assert torch.equal(raw_logits(model, data.raw), model.logits(batch.inputs))
    assert probabilities(model, data.raw).sum(1) == pytest.approx(np.ones(60))
    assert right(model, data.raw, data.labels).all()
    with pytest.raises(ShapeError, match="there is no sample"):
        raw_logits(model, data.raw[:0])


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("raw", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_disturbed_image_is_an_image_and_worse_with_severity(kind, raw):
    copies = [corrupt(raw, kind, severity) for severity in (1, 2, 3)]
    assert all(one.shape == raw.shape and one.dtype == np.uint8 for one in copies)
    moved = [np.abs(one.astype(float) - raw).mean() for one in copies]
    assert 0 < moved[0] < moved[1] < moved[2]
    assert np.array_equal(corrupt(raw, kind, 2), copies[1])


def test_disturbances_by_hand():
    flat = np.full((1, 8, 8), 100, dtype=np.uint8)
    for kind in ("blur", "contrast", "coarse pixels"):
        assert np.array_equal(corrupt(flat, kind, 3), flat)
    assert (corrupt(flat, "brightness", 1) == round(100 + 0.1 * 255)).all()
    assert corrupt(np.zeros((50, 20, 20), np.uint8), "speckle", 3).mean() == pytest.approx(0.035 * 255, rel=0.1)
    noisy = corrupt(np.full((20, 20, 20), 128, np.uint8), "noise", 1).astype(float)
    assert noisy.std() == pytest.approx(0.04 * 255, rel=0.05)
    large = corrupt(np.full((2, 80, 80), 128, np.uint8), "noise", 1).astype(float)
    assert large.std() == pytest.approx(0.08 * 255, rel=0.05)
    step = np.zeros((1, 4, 4), np.uint8)
    step[0, :, 2:] = 200
    assert corrupt(step, "contrast", 2)[0, 0].tolist() == [60, 60, 140, 140]


def test_coarse_pixels_average():
    raw = np.add.outer(np.arange(0, 140, 5), np.arange(0, 112, 4)).astype(np.uint8)[None]
    coarse = corrupt(raw, "coarse pixels", 3)[0]
    assert coarse.shape == (28, 28)
    assert len(np.unique(coarse, axis=0)) == 14  # half of 28
    assert coarse.mean() == pytest.approx(raw.mean(), abs=1)
    small = corrupt(raw[:, :8, :8], "coarse pixels", 3)[0]
    assert len(np.unique(small, axis=0)) == 7  # a small image has few pixels to lose


def test_the_loss_is_measured_on_the_same_images(model, data):
    found = {one.kind: one for one in corruptions(model, data.all(), kinds=("contrast", "noise"))}
    assert list(found) == ["contrast", "noise"]
    assert [one.after for one in found["contrast"].by_severity] == [1, 1, 1]  # the sign of a difference keeps
    assert found["contrast"].worst.kept == 1


def test_a_brittle_model_loses():
    # a model with a threshold: everything that is bright is class 1
    net = Halves()
    with torch.no_grad():
        net.linear.weight.zero_()
        net.linear.weight[1] = 1 / 64
    bright = Model(nn.Sequential(net, Shift()).eval(), "bright", ("left", "right"), Preprocess((0.0,), (1.0,)))
    labels = np.arange(40) % 2
    raw = np.where(labels[:, None, None] == 1, 150, 90).astype(np.uint8) * np.ones((1, SIDE, SIDE), np.uint8)
    data = images(40)
    batch = type(data)("light", "test", data.classes, raw, labels, bright.preprocess).all()
    found = {one.kind: one.worst for one in corruptions(bright, batch)}
    assert (found["brightness"].after, found["brightness"].lost) == (0.5, 20)
    assert found["brightness"].kept_high < 0.7
    assert found["contrast"].after == 1


class Shift(nn.Module):
    """Subtracts 0.47 from the logit of class 1."""

    def forward(self, logits):
        return logits - torch.tensor([0.0, 0.47])


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((GREY, "blurr", 1), UsageError, "Did you mean 'blur'"),
        ((GREY, "blur", 4), UsageError, "no severity '4'"),
        ((GREY.astype(float), "blur", 1), DataError, "8-bit images"),
    ],
)
def test_what_cannot_be_disturbed(arguments, error, said):
    with pytest.raises(error, match=said):
        corrupt(*arguments)


def test_the_smallest_change_that_turns_a_linear_answer(model, data):
    # the margin is linear in the pixels, so the smallest epsilon is the margin over the size of its slope
    batch = data.all()
    values = data.raw.astype(float) / 255
    margins = np.abs(values[:, 2:6, 2:4].sum((1, 2)) - values[:, 2:6, 4:6].sum((1, 2))) / 16
    cuts = np.quantile(margins, [0.2, 0.8]) + 1e-4  # between the margins, which are whole numbers over 4,080
    found = adversarial(model, batch, epsilons=tuple(float(cut) for cut in cuts), n_steps=10)
    for cut, one in zip(cuts, found.curve, strict=True):
        assert one.fgsm.value == pytest.approx((margins > cut).mean())
        assert one.pgd.value == pytest.approx((margins > cut).mean(), abs=0.04)
        assert one.noise.value == 1
    assert (found.clean.value, found.huge.value, found.zero.value, found.faults) == (1, 0, 0, ())
    assert found.valid
    assert noticed(found) == found.curve[1].epsilon


def test_an_attack_stays_within_epsilon_and_within_pixels(model, data):
    seen = []

    class Spy(Halves):
        def forward(self, inputs):
            seen.append(inputs.detach().clone())
            return super().forward(inputs)

    spy = Model(Spy(gain=400.0).eval(), "spy", model.classes, model.preprocess)
    batch = data.take([0])
    adversarial(spy, batch, epsilons=(0.1,), n_steps=5)
    pixels = [Preprocess((MEAN,), (STD,)).invert(one) for one in seen]
    assert min(float(one.min()) for one in pixels) >= -1e-6
    assert max(float(one.max()) for one in pixels) <= 1 + 1e-6
    clean = Preprocess((MEAN,), (STD,)).invert(batch.inputs)
    moved = [float((one - clean).abs().max()) for one in pixels]
    assert sum(0.09 < one <= 0.1 + 1e-5 for one in moved) >= 3


def test_a_blind_attack_is_void():
    class Steps(Halves):
        def forward(self, inputs):
            return super().forward(torch.round(inputs * 2) / 2 + 0 * inputs)

    found = adversarial(
        Model(Steps().eval(), "steps", ("left", "right"), Preprocess((MEAN,), (STD,))), images(20).all(), n_steps=3
    )
    assert found.zero.value == 1
    assert not found.valid
    assert any("the gradient is zero" in fault for fault in found.faults)


def test_a_sure_answer_still_has_a_gradient(data):
    found = adversarial(halves(gain=1e4), data.all(), epsilons=(0.5,), n_steps=10)
    assert found.zero.value == 0
    assert found.valid


def test_each_sign_of_a_void_attack_is_named():
    full, none = wilson(100, 100), wilson(0, 100)
    strong = Attack(0.1, full, none, none)
    assert faults(Attacks(full, (strong,), none, none, ())) == ()
    said = faults(Attacks(full, (Attack(0.1, none, none, full),), full, full, ()))
    assert [
        part
        for part in ("less harm than one", "than random noise", "any image allowed, 100 %", "100 % of the images the gradient")
        if not any(part in one for one in said)
    ] == []
    assert noticed(Attacks(full, (Attack(0.1, full, full, full),), none, none, ())) is None


def test_nothing_right_is_nothing_to_attack(model):
    found = adversarial(model, images(10, wrong=10).all())
    assert (found.clean.value, found.curve) == (0, ())
    assert "nothing to attack" in found.faults[0]


def test_epsilon_needs_pixels(model, data):
    class Bent(Preprocess):
        def invert(self, inputs):
            return inputs**3

    batch = data.all()
    with pytest.raises(DataError, match="does not scale and shift"):
        adversarial(model, batch, preprocess=Bent((MEAN,), (STD,)))
    with pytest.raises(DataError, match="cannot be inverted"):
        adversarial(model, batch, preprocess=abs)
    with pytest.raises(DataError, match="rising positive epsilons"):
        adversarial(model, batch, epsilons=(0.2, 0.1))
    scale, floor = pixel_scale(Preprocess((MEAN,), (STD,)), batch.inputs)
    assert float(scale.mean()) == pytest.approx(1 / STD)
    assert float(floor.mean()) == pytest.approx(-MEAN / STD)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", [GREY, COLOUR], ids=["grey", "colour"])
def test_junk_has_the_shape_of_the_data(kind, raw):
    made = junk(raw, kind)
    assert (made.shape, made.dtype) == (raw.shape, np.uint8)
    assert np.array_equal(made, junk(raw, kind))
    assert not np.array_equal(made, raw)
    if kind.startswith("shuffled"):
        assert all(sorted(a.ravel()) == sorted(b.ravel()) for a, b in zip(made, raw, strict=True))


def test_patches_stay_whole():
    raw = np.kron(np.arange(16, dtype=np.uint8).reshape(1, 4, 4), np.ones((3, 3), np.uint8))
    made = junk(raw, "shuffled patches")
    blocks = made.reshape(1, 4, 3, 4, 3).swapaxes(2, 3).reshape(16, 9)
    assert (blocks == blocks[:, :1]).all()
    assert sorted(blocks[:, 0]) == list(range(16))


def test_foreign_images_differ_from_each_other():
    made = foreign((20, 16, 16), np.random.default_rng(0))
    assert len(np.unique(made.reshape(20, -1), axis=0)) == 20
    assert made.std() > 20


def test_a_model_that_is_sure_of_everything_is_found_out(data):
    timid, sure = (unfamiliar(halves(gain), data.all()) for gain in (4.0, 1e5))
    assert [one.kind for one in timid] == list(KINDS)
    assert sum(one.sure.hits for one in timid) < 60
    assert timid[0].sure.value < 0.2
    assert min(one.sure.value for one in sure) > 0.95
    assert timid[0].apart.low > 0.9
    with pytest.raises(DataError, match="8-bit images"):
        junk(data.raw.astype(float), "noise")


def test_a_model_that_reads_the_middle_knows_nothing_without_it(model, data):
    quarter, *_, most = masking(model, data.all(), sides=(0.2, 0.75))
    assert quarter.accuracy.value == 1
    assert (most.accuracy.value, most.chance) == (0.5, 0.5)
    assert abs(most.recognised["left"].difference) < 1e-9


def test_a_watermark_is_found_behind_the_mask():
    data = images(60)
    data.raw[:, 0, :4] = np.where(data.labels[:, None] == 0, 255, 0)
    reader = halves(where=(slice(0, 1), slice(0, 8)))
    found = masking(reader, data.all(), sides=(0.75,))[0]
    assert found.accuracy.value == 1
    assert found.recognised[found.clearest].low > 0.6


def test_masks_by_hand():
    raw = np.zeros((2, 8, 8), np.uint8)
    raw[0] = 100
    masked = mask(raw, 0.5)
    assert (masked[:, 2:6, 2:6] == 50).all()
    assert masked[0].sum() == 48 * 100 + 16 * 50
    with pytest.raises(DataError, match="sides between 0 and 1"):
        masking(halves(), images(4).all(), sides=(1.5,))
