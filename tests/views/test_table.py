"""Tables in notebooks: whole, without row numbers, with words where a number is missing."""

import pandas as pd
import pytest
import torch
from lxml import html

from netlens.behaviour import performance
from netlens.views import percent, rates, table


def cells(made):
    """The texts of an HTML table, row by row."""
    data, _ = made._repr_mimebundle_()
    rows = html.fromstring(data["text/html"]).iterfind(".//tr")
    return [[cell.text_content() for cell in row] for row in rows]


def test_a_frame_is_shown_whole_and_without_its_index():
    long = "a sentence that is much longer than the fifty characters at which pandas would cut it off"
    shown = cells(table(pd.DataFrame({"name": [long, "b"], "value": [0.123456, float("nan")]}, index=[7, 8])))
    assert shown == [["name", "value"], [long, "0.1235"], ["b", "–"]]


def test_a_mapping_has_two_columns():
    assert cells(table({"seed": "0", "a < b": "c & d"})) == [["What", "Value"], ["seed", "0"], ["a < b", "c & d"]]


def test_the_caption_goes_along():
    assert table({"a": 1}, "What it is.")._repr_mimebundle_()[1] == {"netlens": {"caption": "What it is."}}


def test_the_rates_of_each_class_in_words():
    logits = torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0]])
    result = performance(logits, torch.tensor([0, 1, 1]), ("ant", "bee", "cat"))
    rate = result.recall[1]
    made = rates(result)
    assert cells(made)[2] == ["bee", "2", f"50 % ({percent(rate.low)} to {percent(rate.high)})", "1", cells(made)[2][4]]
    assert cells(made)[2][4].startswith("100 % (")
    assert cells(made)[3] == ["cat", "0", "–", "0", "–"]


def test_the_words_of_a_table_are_in_plain_text_too():
    data, _ = table({"seed": "0"})._repr_mimebundle_()
    assert data["text/plain"].split() == ["What", "Value", "seed", "0"]


@pytest.mark.parametrize("rows", [pd.DataFrame({"a": []}), {}])
def test_an_empty_table_is_shown(rows):
    assert len(cells(table(rows))) == 1
