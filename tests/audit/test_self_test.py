"""The audit's self-test: each fault is what it says, each is caught, clean models are left alone, and a blind check is noticed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from netlens.audit import planting, self_test
from netlens.audit.finding import Finding
from netlens.audit.planting import FAULTS, Fault, World


@pytest.fixture(scope="module")
def world(learned, digits):
    """A world without a training of its own."""
    train, test = (replace(data, groups={"group": np.resize(["A", "B"], len(data))}) for data in digits)
    return World(learned[0].net, train, test, 0)


def finding(code, verdict):
    return Finding(code, "title", "data", verdict, 0.5, 0.4, 0.6, 10, "rule", "reason", "sentence")


def trial(before, after, codes=("NL203",)):
    fault = Fault("a fault", "what it is", codes, lambda world: world.subject())
    return self_test.Trial(
        fault,
        tuple(finding(code, one) for code, one in zip(codes, before, strict=True)),
        tuple(finding(code, one) for code, one in zip(codes, after, strict=True)),
    )


@pytest.mark.parametrize(
    ("before", "after", "caught"),
    [
        ("PASS", "FAIL", True),
        ("PASS", "WARN", True),
        ("WARN", "FAIL", True),
        ("NOT SHOWN", "WARN", True),
        ("PASS", "PASS", False),
        ("WARN", "WARN", False),  # it warned of the clean model as well
        ("FAIL", "FAIL", False),
        ("PASS", "NOT SHOWN", False),  # silence is no detection
        ("FAIL", "WARN", False),
    ],
)
def test_a_fault_is_caught_when_a_check_speaks_worse_of_it_than_of_the_clean_model(before, after, caught):
    assert bool(trial([before], [after]).caught_by) is caught


def test_one_of_two_checks_is_enough_and_is_named():
    assert trial(["PASS", "PASS"], ["PASS", "FAIL"], ("NL801", "NL802")).caught_by == ("NL802",)


def test_a_blind_check_is_noticed():
    result = self_test.SelfTest((trial(["PASS"], ["PASS"]), trial(["PASS"], ["FAIL"])), ({"NL203": "PASS"},))
    assert not result.passed
    assert result.missed == ("a fault",)
    assert result.summary().startswith("Of 2 faults planted, 1 caught. Missed: a fault.")


@pytest.mark.parametrize(("alarms", "passed"), [(0, True), (1, True), (2, False)])
def test_more_than_one_false_alarm_is_too_many(alarms, passed):
    clean = tuple({"NL203": "FAIL" if k < alarms else "WARN"} for k in range(10))
    result = self_test.SelfTest((trial(["PASS"], ["FAIL"]),), clean)
    assert (result.false_alarms, result.passed) == (alarms, passed)


def test_a_tenth_of_the_labels_is_wrong(world):
    subject = planting.wrong_labels(world)
    changed = subject.test.labels != world.test.labels
    assert changed.sum() == round(0.1 * len(world.test))


def test_marks_are_in_the_corners_of_three_classes_only():
    data = planting.load("digits", "test")
    marked = planting._marked(data, 3)
    differs = (marked != data.raw).any((1, 2))
    assert set(data.labels[differs]) <= {0, 1, 2}
    assert (marked[data.labels == 1][:, 0, -2:] == 255).all()
    inner = np.s_[:, 2:-2, 2:-2]
    assert (marked[inner] == data.raw[inner]).all()


def test_dead_units_never_answer(world):
    net = planting.dead_units(world).model.net
    found = []
    handle = net.conv2.register_forward_hook(lambda _module, _inputs, output: found.append(output))
    with torch.no_grad():
        net(world.test.take(50).inputs)
    handle.remove()
    silent = (found[0].relu().amax((0, 2, 3)) == 0).double().mean().item()
    assert silent >= 0.59  # 38 of 64 units
    assert world.net.conv2.bias.min() > -1e3  # the clean network is left as it was


def test_empty_confidence_keeps_every_answer(world):
    inputs = world.test.all().inputs
    spoiled = planting.out_of_proportion(world).model
    clean = world.subject().model
    assert torch.equal(spoiled.logits(inputs).argmax(1), clean.logits(inputs).argmax(1))
    assert torch.allclose(spoiled.logits(inputs), 0.1 * clean.logits(inputs), atol=1e-5)


def test_one_in_twenty_is_a_training_sample(world):
    seen = {sample.tobytes() for sample in world.train.raw}
    subject = planting.leaked(world)
    copies = sum(sample.tobytes() in seen for sample in subject.test.raw)
    assert copies == round(0.05 * len(world.test))


def test_only_one_group_is_upside_down(world):
    raw, before = planting.unfair(world).test.raw, world.test.raw
    group = world.test.groups["group"]
    assert (raw[group == "A"] == before[group == "A"]).all()
    assert (raw[group == "B"] == before[group == "B"][:, ::-1, ::-1]).all()


@pytest.mark.slow
def test_every_fault_is_caught_and_ten_clean_models_give_at_most_one_false_alarm():
    result = self_test.self_test(range(10))
    assert result.missed == ()
    assert result.false_alarms <= 1
    assert result.passed
    assert list(result.frame()["planted"]) == [fault.name for fault in FAULTS]
    table = result.by_check()
    assert set(table["check"]) == set(self_test.CODES)
    assert table["caught"].any()
