"""Policies: who sets which threshold, and what is refused."""

import pytest

from netlens.audit import CHECKS, USES, policy
from netlens.audit.sentences import scope
from netlens.behaviour.adversarial import EPSILONS
from netlens.errors import UsageError


def written(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(text)
    return str(path)


def test_without_anything_the_checks_decide():
    general = policy()
    assert general.use == "general"
    assert {code: general.limits(code) for code in CHECKS} == {code: check.usual() for code, check in CHECKS.items()}


@pytest.mark.parametrize("use", USES)
def test_every_profile_of_use_can_be_read_and_every_threshold_has_a_reason(use):
    rows = policy(use).rows()
    assert all(row["because"].endswith(".") and row["value"] >= 0 for row in rows)
    assert use == "general" or any(row["set by"] == use for row in rows)


def test_each_layer_overrides_those_before_it(tmp_path):
    card = {"use": "medical", "NL302": {"gap": 0.3}, "NL301": {"target": {"value": 0.97, "reason": "As today."}}}
    by_card = policy(card=card)
    assert by_card.use == "medical"
    assert by_card.limits("NL302")["gap"] == 0.3
    assert by_card.thresholds["NL301"]["target"].reason == "As today."
    assert by_card.limits("NL401")["excess"] == 0.02
    by_file = policy(written(tmp_path, "required = ['NL501']\n[NL302]\ngap = 0.1"), card)
    assert (by_file.use, by_file.limits("NL302")["gap"]) == ("medical", 0.1)
    assert by_file.thresholds["NL302"]["gap"].source == "own.toml"
    assert "NL501" in by_file.required


def test_driving_fears_a_change_that_is_on_the_curve_already():
    feared = policy("driving").thresholds["NL651"]["epsilon"]
    assert feared.value in EPSILONS
    assert "Eight of 255 steps" in feared.reason
    assert feared.source == "driving"
    assert policy("driving", {"NL651": {"epsilon": 0.1}}).limits("NL651")["epsilon"] == 0.03137254901960784
    assert policy(card={"use": "driving", "NL651": {"epsilon": 0.1}}).limits("NL651")["epsilon"] == 0.1


def test_finance_says_what_it_cannot_compare_until_an_answer_is_named():
    assert "not who gets the credit" in scope.limits(policy("finance"), "NL701")
    named = policy(card={"use": "finance", "NL701": {"favourable": {"value": 2, "reason": "Class 2 is paid out."}}})
    assert named.limits("NL701")["favourable"] == 2
    assert "not who gets the credit" not in scope.limits(named, "NL701")


def test_a_card_cannot_loosen_what_the_command_line_asks_for():
    assert policy("medical", {"NL302": {"gap": 0.5}}).limits("NL302")["gap"] == 0.02


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[NL3O2]\ngap = 1", r"there is no check 'NL3O2'\. Did you mean 'NL302'"),
        ("[NL302]\ngpa = 1", r"there is no threshold of NL302 named 'gpa'\. Did you mean 'gap'"),
        ("use = 'medcal'", r"there is no profile of use 'medcal'\. Did you mean 'medical'"),
        ("required = ['NL30']", "there is no check 'NL30'"),
        ("required = 'NL301'", "expected|Expected a list of checks"),
        ("[NL302]\ngap = true", "NL302.gap is True"),
        ("[NL302]\ngap = -1", "NL302.gap is -1"),
        ("[NL302]\ngap = {reason = 'x'}", "NL302.gap is"),
        ("NL302 = 1", "Expected a table"),
        ("[", "is not valid TOML"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest(tmp_path, text, said):
    with pytest.raises(UsageError, match=said):
        policy(written(tmp_path, text))


def test_a_file_that_is_not_there_and_a_profile_that_is_not():
    with pytest.raises(UsageError, match=r"'nowhere.toml' cannot be read"):
        policy("nowhere.toml")
    with pytest.raises(UsageError, match="Did you mean 'finance'"):
        policy("finances")
