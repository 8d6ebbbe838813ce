"""Shares and counts in words, and the house style that leaves the caller's alone."""

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import font_manager

from netlens.fonts import ASIAN_FONTS
from netlens.views.base import STYLE, View, new_figure, percent, style, times


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0, 1, "0 %"),
        (1, 1, "100 %"),
        (0.9, 1, "90 %"),
        (0.983, 1, "98.3 %"),
        (0.12345, 3, "12.345 %"),
        (0.9999, 1, "over 99.9 %"),
        (0.99951, 1, "over 99.9 %"),
        (0.9994, 1, "99.9 %"),
        (0.00004, 1, "under 0.1 %"),
        (0.0004, 1, "under 0.1 %"),
        (0.0006, 1, "0.1 %"),
        (0.996, 0, "over 99 %"),
        (0.004, 0, "under 1 %"),
        (0.504, 0, "50 %"),
        (1.0, 0, "100 %"),
        (0.1, 0, "10 %"),
        (0.00001, 2, "under 0.01 %"),
    ],
)
def test_percent(share, digits, text):
    assert percent(share, digits) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 times"), (1, "once"), (2, "twice"), (3, "3 times")])
def test_times(count, text):
    assert times(count) == text


@pytest.mark.parametrize("fails", [False, True])
def test_the_callers_settings_come_back(fails):
    mpl.rcParams["font.size"] = 17
    try:
        with style():
            assert mpl.rcParams["font.size"] == STYLE["font.size"]
            if fails:
                raise KeyError("inside")
    except KeyError:
        assert fails
    finally:
        after = mpl.rcParams["font.size"]
        mpl.rcdefaults()
    assert after == 17


def drawn(title):
    """A view with this title, this category, and an axis of powers of ten."""

    def draw():
        figure = new_figure(3, 2)
        axes = figure.subplots()
        axes.set_title(title)
        axes.set_yscale("log")
        axes.bar([0, 1], [1, 1000])
        axes.set_xticks([0, 1], [title, "b"])
        return figure

    return View(draw, pd.DataFrame(), "", "")


@pytest.mark.parametrize("title", ["in $^{ and $_", "$a$", "a_b^c"])
def test_names_are_shown_as_they_are_written_and_powers_of_ten_as_formulas(title, tmp_path):
    svg = drawn(title).save(tmp_path / "a.svg").read_text()
    assert svg.count(f">{title}<") == 2
    assert ">$" not in svg.replace(f">{title}<", ""), "a formula that nobody set"


@pytest.mark.skipif(not {*ASIAN_FONTS} & {*font_manager.fontManager.get_font_names()}, reason="no font for Chinese is installed")
def test_chinese_names_are_drawn_in_a_font_that_has_them(tmp_path):
    drawn("猫").save(tmp_path / "a.png")  # a missing letter is a warning, and a warning is an error


def test_a_figure_belongs_to_nobody():
    import matplotlib.pyplot as plt

    figure = new_figure(width=3, height=2)
    assert figure.get_size_inches().tolist() == [3, 2]
    assert plt.get_fignums() == []
