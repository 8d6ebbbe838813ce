"""NL801, NL802, NL803: silent on a model that reads the object, fire on a watermark and on a model that reads it."""

import numpy as np

from netlens.audit.checks import border, masked, nuisances
from netlens.audit.subject import Subject
from netlens.behaviour import Told, unpaired, wilson
from netlens.behaviour.masking import Masked
from tests.audit.checks.planted import clean, text
from tests.behaviour.conftest import halves, images


def watermarked(n=300, reads_it=True):
    """Images with a white mark in the upper left corner for one class; a model that reads it, or does not."""
    data = images(n)
    data.raw[data.labels == 0, 0, 0] = 255
    data.raw[data.labels == 1, 0, 7] = 255
    return Subject(halves(where=(slice(0, 1), slice(0, 8))) if reads_it else halves(), data)


def test_clean_images():
    subject = clean(300)
    assert [check.CHECK.run(subject).verdict for check in (nuisances, masked, border)] == ["PASS", "PASS", "PASS"]


def test_a_watermark_gives_the_label_away():
    found = nuisances.CHECK.run(watermarked(reads_it=False))
    assert found.verdict == "FAIL"
    assert found.evidence["nuisances"]["upper left corner"]["score"] > 0.8
    assert "corner" in found.sentence


def test_a_model_that_reads_the_watermark_is_found_behind_the_mask():
    seen, blind = (masked.CHECK.run(watermarked(reads_it=reads)) for reads in (True, False))
    assert (seen.verdict, blind.verdict) == ("FAIL", "PASS")
    assert seen.sentence == "With the object hidden it is still right 100 times in 100; chance gives 50."
    assert blind.sentence == "With the object hidden it only guesses: 50 of 100, as chance does."


def test_a_mark_on_one_class_of_many_is_found_by_that_class():
    known = {"ship": unpaired(90, 100, 9, 900), "cat": unpaired(10, 100, 90, 900)}
    one = Masked(0.75, wilson(150, 1000), 0.1, known, np.zeros((1, 2, 2), np.uint8))
    assert masked._single(one, masked.CHECK.usual()) == "FAIL"
    assert masked.sentence(one, one.clearest) == "With the object hidden it still recognises ship, 89 points above chance."


def test_a_model_that_looks_at_the_rim():
    seen = border.CHECK.run(watermarked())
    assert (seen.verdict, seen.value) == ("FAIL", 1)
    clear = border.CHECK.run(clean(300))
    assert clear.value == 0
    assert border.sentence(0.25, 0.49) == (
        "The rim of the image holds 25 of 100 parts of what moves the answer, and 49 of 100 pixels."
    )


def test_what_cannot_be_asked():
    few = clean(40)
    assert nuisances.CHECK.run(few).sentence == "40 images are too few to guess from."
    assert masked.CHECK.run(few).sentence == "40 images are too few to judge."
    assert border.CHECK.run(clean(10)).sentence == "There are too few images with an answer that anything moves."
    words = text()
    assert [check.CHECK.run(words).missing for check in (masked, border)] == [("images",), ("images", "gradients")]
    assert nuisances.CHECK.run(words).verdict == "PASS"


def test_in_words():
    told = Told("brightness", wilson(28, 100), 0.2, 0.1, 0.3, 1, unpaired(1, 2, 1, 2))
    assert (
        nuisances.sentence(told, "") == "Of all nuisances brightness tells most: a guess from it alone is right 28 times in 100."
    )
    assert nuisances.sentence(told, "seven") == "The brightness alone gives the class seven away."
