"""Errors: what they say, and the exit code that they end in."""

import pytest

from netlens.errors import DataError, ModelError, NetlensError, OutputError, RunError, ShapeError, UsageError, nearest, unknown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "GradCAM: there is no layer."),
        ({"expected": "a layer"}, "GradCAM: there is no layer. Expected a layer."),
        ({"remedy": "Choose one."}, "GradCAM: there is no layer. Choose one."),
        ({"expected": "a layer.", "remedy": "Choose one."}, "GradCAM: there is no layer. Expected a layer. Choose one."),
    ],
)
def test_an_error_is_operation_problem_expected_remedy(given, said):
    error = NetlensError("GradCAM", "there is no layer.", **given)
    assert str(error) == said
    assert (error.operation, error.problem, error.remedy) == ("GradCAM", "there is no layer.", given.get("remedy", ""))


@pytest.mark.parametrize("kind", [UsageError, DataError, ModelError, ShapeError, OutputError])
def test_bad_input_ends_in_code_2(kind):
    assert kind("a", "b").exit_code == 2


def test_what_breaks_while_running_ends_in_code_5():
    assert RunError("a", "b").exit_code == 5


@pytest.mark.parametrize(
    ("value", "choices", "found"),
    [("mnist5k", ["mnist", "mnist-5k", "digits"], "mnist-5k"), ("zebra", ["mnist", "digits"], ""), ("x", [], "")],
)
def test_the_nearest_name_or_none(value, choices, found):
    assert nearest(value, choices) == found


def test_an_unknown_name_is_told_with_the_nearest_and_all_others():
    error = unknown("data", "data set", "digit", (name for name in ("mnist", "digits")), DataError)
    assert type(error) is DataError
    assert str(error) == "data: there is no data set 'digit'. Did you mean 'digits'? Known: mnist, digits."


def test_an_unknown_name_that_is_like_nothing_gets_no_guess():
    assert str(unknown("data", "data set", "zebra", ["mnist"])) == "data: there is no data set 'zebra'. Known: mnist."
    assert str(unknown("data", "data set", "zebra", [])) == "data: there is no data set 'zebra'. Known: none."
