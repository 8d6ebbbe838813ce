"""The gate: silent on what is fit to publish, and one problem for each planted fault."""

import json
from pathlib import Path

import pytest

from netlens.errors import RunError
from netlens.publish import gate

FIGURE = {"image/png": "aGVsbG8=", "text/plain": "<Figure>"}


def shown(data, **facts):
    """An output that shows `data`, with facts for netlens."""
    return {"output_type": "display_data", "data": data, "metadata": {"netlens": facts} if facts else {}}


def said(text, name="stdout"):
    """An output that was written to a stream."""
    return {"output_type": "stream", "name": name, "text": text}


SOUND = [
    shown(FIGURE, alt="A curve that falls."),
    shown({"text/markdown": "It is so."}, claim=True),
    shown({"text/html": '<img alt="" src="x">', "text/plain": "1"}),
    said(["fine\n"]),
]
FAULTS = [
    ({"output_type": "error", "ename": "ValueError", "evalue": "no"}, "it ended in an error, ValueError: no"),
    (said(["a warning\n", "more"], "stderr"), "it wrote to stderr: 'a warning'"),
    (shown(FIGURE), "a figure has no alt text"),
    (shown(FIGURE, alt=" "), "a figure has no alt text"),
    (shown({"text/html": "<img src='x'>"}), "an <img> has no alt text"),
    (shown({"text/markdown": ["The error\n", "falls."]}, claim=False), "a claim did not hold in this run: “The error falls.”"),
    (said("x" * 1_500_001), "one output has 1.5 MB, more than 1.5 MB"),
    (said("in /somewhere/project/x"), "an output shows a folder of this machine, '/somewhere/project'"),
    (shown({"text/plain": f"'{Path.home()}/x'"}), f"an output shows a folder of this machine, '{Path.home()}'"),
]


def problems(tmp_path, *outputs):
    """What the gate says of a notebook with a title, an injected cell, and a cell for each output."""
    injected = {"cell_type": "code", "metadata": {"tags": ["injected-parameters"]}, "source": "", "outputs": []}
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "# One"}, injected]
    cells += [{"cell_type": "code", "metadata": {}, "source": "1", "outputs": [output]} for output in outputs]
    copy = tmp_path / "copy.ipynb"
    copy.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return gate.check("one", copy, Path("/somewhere/project"))


def test_a_sound_notebook_passes(tmp_path):
    assert problems(tmp_path, *SOUND) == []


@pytest.mark.parametrize(("output", "problem"), FAULTS)
def test_each_fault_is_one_problem_that_names_notebook_cell_and_remedy(tmp_path, output, problem):
    (found,) = problems(tmp_path, SOUND[0], output)
    assert found.cell == 3, "the injected cell is not counted"
    assert found.problem == problem
    assert str(found).startswith("notebook 'one', cell 3: ")
    assert found.remedy.endswith(".")


def test_a_path_that_only_begins_like_the_project_is_no_fault(tmp_path):
    assert problems(tmp_path, said("/somewhere/projects/x")) == []


def test_a_notebook_that_is_too_large_is_a_problem(tmp_path):
    (problem,) = problems(tmp_path, *[said("x" * 1_400_000)] * 6)
    assert str(problem) == "notebook 'one': the executed copy has 8.4 MB, more than 8 MB. Show fewer or smaller figures."


def test_every_problem_is_told_at_once():
    found = [gate.Problem("one", 3, "first", "Mend."), gate.Problem("two", 0, "second", "Mend.")]
    with pytest.raises(RunError) as caught:
        gate.enforce(found, "netlens build")
    assert str(caught.value) == (
        "netlens build: the executed notebooks are not fit to publish:"
        "\n  notebook 'one', cell 3: first. Mend.\n  notebook 'two': second. Mend."
    )
    assert caught.value.exit_code == 5
