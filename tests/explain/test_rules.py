"""Trees that stand in for a network: networks that are trees are told exactly, and what they say is counted."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from netlens.data import Preprocess, Standardise
from netlens.errors import ShapeError
from netlens.explain import describe
from netlens.explain.rule_tree import RuleTree
from netlens.explain.rules import GlobalRules
from netlens.models import Model
from netlens.models.architectures import MnistCNN

PLAIN = Preprocess((0.0,), (1.0,))


class Planted(nn.Module):
    """Refused, unless column 1 is above 0.5, or column 0 above 0.2 and column 2 at most 0.7."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        granted = (rows[:, 1] > 0.5) | ((rows[:, 0] > 0.2) & (rows[:, 2] <= 0.7))
        return torch.stack([1 - granted.float(), granted.float()], 1)


class Both(nn.Module):
    """The logit is 6 when the first two columns are there, 2 when only the first is, and 0 otherwise."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        first, second = rows[:, 0] > 0.5, rows[:, 1] > 0.5
        logit = 2 * first.float() + 4 * (first & second).float()
        return torch.stack([logit, 0 * logit], 1)


def test_a_network_that_is_a_tree_is_told_exactly() -> None:
    rows = torch.rand(4000, 4)
    found = GlobalRules(leaves=4)(
        Model(Planted(), "planted", ("refused", "granted"), PLAIN), rows, ("age", "income", "debt", "day")
    )
    assert found.fidelity > 0.995
    assert found.held_out == 1200
    assert found.leaves == 4
    assert re.fullmatch(r"If income is above 0\.(49|5)\d*: granted \(100 % of \d+\)\.", found.sentences[-1])
    assert not any("day" in line for line in found.sentences)
    assert str(found).splitlines()[-1].startswith("On 1200 inputs that it has not seen, the tree agrees with the network on ")


def test_fidelity_is_measured_on_rows_that_the_tree_has_not_seen() -> None:
    class Noise(nn.Module):
        """A class that hangs on the last digits of a number, which no small tree can learn."""

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            odd = (rows.sum(1) * 1e5).long() % 2 == 0
            return torch.stack([odd.float(), 1 - odd.float()], 1)

    found = GlobalRules(leaves=400)(Model(Noise(), "noise", ("a", "b"), PLAIN), torch.rand(1000, 2))
    assert abs(found.fidelity - 0.5) < 0.1
    assert abs(found.chance - 0.5) < 0.1


def test_images_are_asked_for_the_brightness_of_their_parts() -> None:
    class Bright(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            bright = (images[:, 0, :2, 2:].mean((1, 2)) > 0).float()
            return torch.stack([1 - bright, bright], 1)

    model = Model(Bright(), "bright", ("dark", "bright"), Preprocess((0.5,), (0.5,)))
    brightness = torch.rand(600, 1, 2, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    labels = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]).view(1, 4, 4)
    found = GlobalRules(labels, leaves=2)(model, (brightness - 0.5) / 0.5)
    assert found.sentences[1].startswith("If part 2 (upper right) is above 0.5")
    assert found.fidelity > 0.98


def test_the_local_tree_of_a_tree_is_exact() -> None:
    model, row = Model(Both(), "both", ("yes", "no"), PLAIN), torch.ones(1, 3)
    found = RuleTree()(model, row, 0)
    assert found.params["fidelity"][0] == pytest.approx(1)
    assert set(found.params["rules"][0]) == {
        "If column 1 is hidden: logit 0.00.",
        "If column 1 is shown and column 2 is hidden: logit 2.00.",
        "If column 1 is shown and column 2 is shown: logit 6.00.",
    }
    torch.testing.assert_close(found.values, torch.tensor([[4.0, 2.0, 0.0]]))
    assert found.delta is not None
    assert abs(float(found.delta[0])) < 1e-6


def test_the_rules_stand_in_the_description_with_what_they_explain() -> None:
    model, row = Model(Both(), "both", ("yes", "no"), PLAIN), torch.ones(1, 3)
    found = RuleTree()(model, row, 0)
    (said,) = describe(model, row, found)
    assert said.endswith(
        f"As rules, which explain 100 % of how the logit varies over copies held out: {' '.join(found.params['rules'][0])}"
    )
    (said,) = describe(model, row, found, names=["age", "income", "rooms"])
    assert "If 'age' is shown and 'income' is hidden: logit 2.00." in said
    (said,) = describe(model, row, replace(found, params=found.params | {"fidelity": torch.tensor([-0.5])}))
    assert "As rules, which explain nothing of how the logit varies" in said


def test_a_tree_that_is_too_small_says_so() -> None:
    torch.manual_seed(0)
    model = Model(nn.Linear(20, 2), "linear", ("a", "b"), PLAIN)
    found = RuleTree(leaves=3)(model, torch.randn(2, 20), 0)
    assert (found.params["fidelity"] < 0.9).all()
    assert all(len(rules) == 3 for rules in found.params["rules"])
    assert found.delta is not None
    assert found.delta.abs().max() > 0.1
    assert found.spread is not None
    assert found.spread.max() > 0


def test_one_seed_gives_the_same_rules_and_a_batch_its_rows() -> None:
    torch.manual_seed(0)
    model = Model(MnistCNN(size=12, classes=3), "tiny", ("a", "b", "c"), PLAIN)
    images, method = torch.randn(2, 1, 12, 12), RuleTree("grid", "zero", n_samples=200)
    whole, again, alone = method(model, images), method(model, images), method(model, images[1:])
    assert torch.equal(whole.values, again.values)
    assert whole.params["rules"] == again.params["rules"]
    torch.testing.assert_close(whole.values[1], alone.values[0], atol=1e-5, rtol=1e-3)


def test_settings_that_make_no_sense_are_refused() -> None:
    model = Model(Planted(), "planted", ("refused", "granted"), PLAIN)
    with pytest.raises(ShapeError, match=r"leaves is 40\. Expected 2 to 13"):
        RuleTree(leaves=40)(model, torch.rand(1, 4))
    with pytest.raises(ShapeError, match="20 inputs or more"):
        GlobalRules()(model, torch.rand(5, 4))
    with pytest.raises(ShapeError, match="3 names were given for 4 features"):
        GlobalRules()(model, torch.rand(50, 4), ("a", "b", "c"))


def test_tables_are_told_in_the_units_of_their_columns() -> None:
    known = Standardise((40.0, 0.0, 0.0), (10.0, 1.0, 1.0))
    rows = torch.randn(2000, 3)

    class Old(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return torch.stack([-(inputs[:, 0] - 1.0), inputs[:, 0] - 1.0], 1)

    found = GlobalRules(leaves=2)(Model(Old(), "old", ("young", "old"), known), rows, ("age", "x", "y"))
    assert re.fullmatch(r"If age is above (49\.\d|50|50\.\d): old \(100 % of \d+\)\.", found.sentences[1])
    assert [part.answer for part in found.parts] == ["young", "old"]
    assert sum(part.inputs for part in found.parts) == 1400
    assert all(
        f"({part.purity:.0%} of {part.inputs})".replace("%", " %") in line
        for part, line in zip(found.parts, found.sentences, strict=True)
    )
