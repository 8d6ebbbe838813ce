"""The sentences of a report, word for word, for fixed numbers."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from netlens.audit import Material, audit
from netlens.audit.check import AREAS
from netlens.audit.checks import complete, leakage, repeatable
from netlens.audit.numbers import are, count, in_hundred, span
from netlens.audit.provenance import command
from netlens.audit.sentences import areas, cases, inside, scope, summary, trace
from netlens.card import Card
from tests.audit.conftest import Reader, dataset, model, right_and_wrong, subject

PASS = repeatable.CHECK.run(subject(each=60))
FAIL = replace(PASS, verdict="FAIL", sentence="It trembles.")
WARN = replace(PASS, verdict="WARN", area="confidence", title="Its Confidence", sentence="It wavers.")
NOT_SHOWN = complete.CHECK.run(subject(each=60))
NO_DATA = leakage.CHECK.run(subject(each=60))


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([PASS] * 6, "Of 6 checks, 6 passed. We found no failures and no cautions."),
        ([PASS, FAIL, WARN], "Of 3 checks, 1 passed. We found 1 failure and 1 caution."),
        ([FAIL, FAIL, WARN], "Of 3 checks, 0 passed. We found 2 failures and 1 caution."),
        ([PASS, NOT_SHOWN], "Of 2 checks, 1 passed. We found no failures and no cautions. 1 check could not be shown."),
    ],
)
def test_the_verdicts_in_words(found, sentence):
    assert summary.verdict_count(found) == sentence


def test_failures_come_before_cautions_and_three_are_enough():
    assert summary.main([WARN, PASS, FAIL, WARN, WARN]) == [FAIL, WARN, WARN]
    assert summary.more([WARN, PASS, FAIL, WARN, WARN]) == "1 finding more on the pages that follow."
    assert summary.more([FAIL]) == ""
    assert summary.more([PASS]) == "No check failed, and none asks for caution."


def test_the_strip_has_one_field_an_area():
    fields = areas.strip([PASS, FAIL, NO_DATA])
    assert [field.area for field in fields] == list(AREAS)
    assert (fields[0].title, fields[0].verdict, fields[0].told) == ("Origin", "FAIL", "1 of 2 passed")
    assert (fields[1].verdict, fields[1].told) == ("NOT SHOWN", "not tested")


def test_what_was_not_tested_is_said_with_the_reason():
    text = summary.untested([PASS, NO_DATA])
    assert text.startswith("We could not test: test data (The training data were not supplied); right answers, weak spots, ")
    assert text.endswith("change (There is no check of it).")


def test_a_single_check_without_a_verdict_is_named_too():
    alone = replace(NOT_SHOWN, area=PASS.area, title="It holds", code="NL1")
    assert summary.untested([PASS, alone]).endswith(" Without a verdict: “It holds” (NL1).")


def report(wrong, **settings):
    data = Material(dataset(*right_and_wrong(wrong)), None)
    return audit(model(Reader(5.0)), data, checks=["NL101", "NL201", "NL301"], **settings)


def test_the_summary_leads_with_the_right_answers():
    found = report((0, 0, 0))
    assert summary.summary(found).startswith(
        "**On 750 test images, this model was right 100 times in 100 (99 to 100). Of 3 checks, 2 passed. We found no failures and no "
        "cautions. 1 check could not be shown.**\n\nNo check failed, and none asks for caution.\n\nWe could not test: "
    )
    bad = replace(found, findings={**found.findings, "NL101": FAIL})
    assert "- **Failure. Not so: “Same input, same answer”.** It trembles. (NL101)" in summary.summary(bad)


ADVICE = " Have someone who knows the subject look at each: is it the model that is wrong, or the label?"


@pytest.mark.parametrize(
    ("wrong", "n_worst", "sentence"),
    [
        ((0, 0, 0), 6, "The model answered all 750 test images correctly, so there is no wrong answer to show."),
        ((1, 0, 0), 6, "The only wrong answer was given with a probability of 99 %." + ADVICE),
        ((2, 1, 0), 6, "These are all 3 wrong answers, with the probability that the model gave them: 99 %." + ADVICE),
        ((4, 4, 0), 1, "Of 8 wrong answers, this one was given with the highest probability: 99 %." + ADVICE),
        ((4, 4, 0), 6, "Of 8 wrong answers, these 6 were given with the highest probability: 99 %." + ADVICE),
        ((4, 0, 0), 0, "4 wrong answers of 750; none was asked for in this report."),
    ],
)
def test_the_worst_cases_in_words(wrong, n_worst, sentence):
    assert cases.worst_cases(report(wrong, n_worst=n_worst)) == sentence


def test_the_cases_that_are_explained_are_named():
    text = cases.picked(report((3, 3, 3)))
    assert text.startswith("From left to right: right and sure; ")
    assert "wrong but sure. Red pushed" in text


def test_what_the_author_did_not_declare_is_not_supplied():
    found = report((0, 0, 0))
    assert {answer for _, answer in scope.declared(found)} == {"NOT SUPPLIED"}
    assert scope.declaration(found) == "Its author declared nothing. Whoever uses the model must ask."
    card = Card.model_validate(
        {
            "model": {"name": "a", "factory": "a:b", "weights": "w"},
            "data": {"source": "digits"},
            "declared": {"purpose": "Tests."},
        }
    )
    told = replace(found, subject=replace(found.subject, model=replace(found.subject.model, card=card)))
    assert scope.declared(told)[0] == ("What is it for?", "Tests.")
    assert scope.declaration(told).startswith("Its author left 7 of 8 questions open.")


def test_how_it_decides():
    one = subject(each=60)
    assert inside.decision(one, inside.anatomy(one)) == (
        "The network turns one image into 3 numbers, one for each class, and answers with the class of the largest. It learned 52 numbers "
        "in training. One answer takes 64 multiplications through 2 layers with weights."
    )
    assert inside.decision(one, SimpleNamespace(parameters=52, multiply_adds=64, depth=1)).endswith(
        "through 1 layer with weights."
    )
    assert [inside.large(number) for number in (999_999, 1_234_567, 2_500_000_000)] == ["999,999", "1.23 million", "2.5 billion"]


def test_every_number_has_a_place_and_a_hash():
    found = report((4, 4, 4))
    document = found.document()["findings"]
    rows = trace.trace(found).to_dict("records")
    assert [row["id"] for row in rows] == ["NL101", "NL201", "NL301"]
    assert rows[2]["place in audit.json"] == "/findings/NL301/value"
    assert (rows[2]["value"], rows[2]["cases"]) == ("0.984", "750")
    assert document["NL301"]["inputs"].startswith(rows[2]["made from"])
    assert (rows[1]["value"], rows[1]["95 % interval"]) == ("–", "–")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("mnist-cnn", "mnist-5k", "quick", "", 3), "netlens audit mnist-cnn --dataset mnist-5k --profile quick --seed 3"),
        (("mnist-cnn", "", "full", "medical", 3), "netlens audit mnist-cnn --profile full --policy medical --seed 3"),
        (
            ("/home/a/mine.toml", "mnist", "full", "/home/a/own.toml", 3),
            "netlens audit CARD --profile full --policy POLICY --seed 3",
        ),
    ],
)
def test_the_command_names_no_folder(given, text):
    assert command(*given) == text


@pytest.mark.parametrize(
    ("verdict", "said"),
    [("FAIL", "Not so: “It holds”"), ("WARN", "Not certain: “It holds”"), ("PASS", "It holds"), ("NOT SHOWN", "It holds")],
)
def test_a_claim_that_failed_does_not_stand_as_if_it_held(verdict, said):
    assert summary.doubted(replace(PASS, title="It holds", verdict=verdict)) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.0, 0.04, "0 to 4"),
        (0.0001, 0.001, "0 to 1"),
        (0.999, 0.9999, "99 to 100"),
        (0.96, 1.0, "96 to 100"),
        (1.0, 1.0, "100 to 100"),
    ],
)
def test_an_interval_is_not_called_certain(low, high, said):
    assert span(low, high) == said


def test_counts_and_shares_in_words():
    assert [count(number, "class") for number in (0, 1, 1200)] == ["no classes", "1 class", "1,200 classes"]
    assert [are(number, "row") for number in (0, 1, 2)] == ["no rows are", "1 row is", "2 rows are"]
    assert [in_hundred(share) for share in (0, 0.001, 0.5, 0.9999, 1)] == ["0", "under 1", "50", "over 99", "100"]
