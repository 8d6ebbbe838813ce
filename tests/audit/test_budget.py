"""The cost of an audit, before it runs."""

import math

import pytest

from netlens.audit import CHECKS, PROFILES
from netlens.audit.budget import applicable, budget, duration, pilot, rounded
from netlens.errors import UsageError
from tests.audit.conftest import Reader, dataset, model, right_and_wrong


def test_the_profiles_cost_what_they_say():
    quick, standard, full = (budget(profile, 1000).total for profile in PROFILES)
    assert 10_000 < quick < 17_500
    assert 65_000 < standard < 80_000
    assert standard < full


def test_the_price_is_said():
    cheap = {code: CHECKS[code] for code in ("NL101", "NL301")}
    assert budget("quick", 1000, cheap).told() == "profile quick: about 1,300 forward passes for 2 checks"
    assert budget("quick", 1000, cheap, 0.01).told() == (
        "profile quick: about 1,300 forward passes for 2 checks, about 13 seconds on this machine"
    )


def test_a_check_uses_no_more_samples_than_there_are():
    assert CHECKS["NL101"].cost("full", 50) == 100
    assert CHECKS["NL101"].cost("full", 5000) == 256


def test_what_is_not_asked_of_texts_costs_nothing():
    text, table, image = (set(applicable(modality)) for modality in ("text", "table", "image"))
    assert text < table < image == set(CHECKS)
    assert "NL601" in image - table
    assert "NL551" in table - text


def test_a_pilot_takes_time():
    assert 0 < pilot(model(Reader()), dataset(*right_and_wrong((0, 0, 0), 30))) < 1
    assert math.isnan(budget("quick", 10).seconds)


def test_an_unknown_profile_is_refused():
    with pytest.raises(UsageError, match=r"there is no profile 'quik'\. Did you mean 'quick'"):
        budget("quik", 10)


def test_in_words():
    assert [duration(seconds) for seconds in (0.2, 1.4, 80, 100, 7300)] == [
        "1 second",
        "1 second",
        "80 seconds",
        "2 minutes",
        "2 hours",
    ]
    assert rounded(74_812) == "75,000"
