"""The sentences of a report, word for word, for fixed numbers."""

from dataclasses import replace

import pytest

from netlens.audit import audit, findings, sentences
from netlens.audit.provenance import command
from netlens.card import Card
from tests.audit.conftest import Reader, dataset, model, right_and_wrong

PASS, FAIL = findings.repeatable(0, 9), findings.repeatable(1, 9)
NOT_SHOWN = findings.complete([])
WARN = replace(PASS, verdict="WARN", title="Its Confidence", sentence="It wavers.", reason="That misleads.")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([PASS] * 6, "Of 6 checks, 6 passed. We found no failures and no cautions."),
        ([PASS, FAIL, WARN], "Of 3 checks, 1 passed. We found 1 failure and 1 caution."),
        ([FAIL, FAIL, WARN, WARN, WARN], "Of 5 checks, 0 passed. We found 2 failures and 3 cautions."),
        (
            [PASS, NOT_SHOWN, replace(NOT_SHOWN, title="Another")],
            "Of 3 checks, 1 passed. We found no failures and no cautions. "
            "Too little evidence to judge: explanations account for the whole answer; another.",
        ),
    ],
)
def test_the_verdicts_in_words(found, sentence):
    assert sentences.verdict_count(found) == sentence


def report(train, wrong, **settings):
    return audit(model(Reader(5.0)), train, dataset(*right_and_wrong(wrong)), **settings)


def test_the_summary_of_a_clean_report(train):
    clean = replace(report(train, (0, 0, 0)), findings=(PASS, replace(PASS, code="NL301", sentence="It is right.")))
    assert sentences.summary(clean) == (
        "**It is right.** Of 2 checks, 2 passed. We found no failures and no cautions.\n\n" + sentences.not_tested()
    )


def test_the_summary_names_failures_before_cautions(train):
    bad = replace(report(train, (0, 0, 0)), findings=(WARN, replace(PASS, code="NL301", sentence="It is right."), FAIL))
    assert sentences.summary(bad) == (
        "**It is right.** Of 3 checks, 1 passed. We found 1 failure and 1 caution.\n\n"
        "- **Failure, same input, same answer.** Asked twice about the same 9 images, the model changed an output by 1. "
        "An audit of a model that changes its answers would describe only one of its moods.\n"
        "- **Caution, its confidence.** It wavers. That misleads.\n\n" + sentences.not_tested()
    )


def test_what_was_not_tested_is_said():
    text = sentences.not_tested()
    assert text.startswith("We did not test: disturbed images (blur, noise, another contrast); inputs")
    assert text.endswith(". A good number here says nothing about these.")


ADVICE = " Have someone who knows the subject look at each: is it the model that is wrong, or the label?"


@pytest.mark.parametrize(
    ("wrong", "n_worst", "sentence"),
    [
        ((0, 0, 0), 6, "The model answered all 750 test images correctly, so there is no wrong answer to show."),
        ((1, 0, 0), 6, "Of 1 wrong answer, this one was given with the highest probability: 99 %." + ADVICE),
        ((4, 4, 0), 1, "Of 8 wrong answers, this one was given with the highest probability: 99 %." + ADVICE),
        ((4, 4, 0), 6, "Of 8 wrong answers, these 6 were given with the highest probability: 99 %." + ADVICE),
        ((4, 0, 0), 0, "4 wrong answers of 750; none was asked for in this report."),
    ],
)
def test_the_worst_cases_in_words(train, wrong, n_worst, sentence):
    assert sentences.worst_cases(report(train, wrong, n_worst=n_worst)) == sentence


def test_the_range_of_confidence_is_said(train):
    test = dataset(*right_and_wrong((3, 0, 0)))
    test.raw[0, 0, 1] = 100
    subject = audit(model(Reader(12.0)), train, test)
    assert "these 3 were given with the highest probability: from 98 % to over 99 %." in sentences.worst_cases(subject)


def test_what_the_author_did_not_declare_is_not_supplied(train):
    subject = report(train, (0, 0, 0))
    assert {answer for _, answer in sentences.declared(subject)} == {"NOT SUPPLIED"}
    card = Card.model_validate(
        {
            "model": {"name": "a", "factory": "a:b", "weights": "w"},
            "data": {"source": "digits"},
            "declared": {"purpose": "Tests."},
        }
    )
    told = sentences.declared(replace(subject, model=replace(subject.model, card=card)))
    assert told[0] == ("Purpose", "Tests.")
    assert [answer for _, answer in told[1:]] == ["NOT SUPPLIED"] * 4


@pytest.mark.parametrize(
    ("model", "dataset", "text"),
    [
        ("mnist-cnn", "mnist-5k", "netlens audit mnist-cnn --dataset mnist-5k -p seed=3"),
        ("mnist-cnn", "", "netlens audit mnist-cnn -p seed=3"),
        ("/home/someone/mine.toml", "mnist-5k", "netlens audit CARD -p seed=3"),
    ],
)
def test_the_command_names_no_folder(model, dataset, text):
    assert command(model, dataset, 3) == text
