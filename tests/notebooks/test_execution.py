"""Every notebook runs from top to bottom on small data, the way that `netlens run` runs it."""

import json
import shutil
from pathlib import Path

import pytest

from netlens.publish import gate, run
from netlens.publish.parameters import declared
from netlens.publish.plan import plan

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
# Settings that keep a run short; a notebook without any gets the small data set.
SMALL = {
    "02_activations_and_weights": {"projected": "100", "steps": "30"},
    "03_saliency_and_gradcam": {"samples": "[0, 1]", "n_samples": "8", "n_steps": "8"},
    "04_lime_and_shap": {"samples": "[0, 1]", "n_samples": "100", "cells": "4", "counts": "[40, 80]"},
    "05_attention_maps": {"samples": "[0, 1]", "measured": "20", "judged": "6"},
    "06_sequences": {"measured": "40", "judged": "6", "others": "['mnist-rnn']"},
    "07_may_it_be_believed": {"samples": "[0, 1]", "measured": "8", "draws": "1", "memorised": "150"},
    "09_tables": {"dataset": "", "measured": "40", "judged": "6", "repeats": "1", "n_samples": "100"},
    "08_text": {"dataset": "python-docs", "samples": "[0, 2]", "n_samples": "200", "n_steps": "8", "measured": "4", "many": "12"},
    "compare": {"n_explained": "6"},
    "self_test": {"n_clean": "1"},
    "10_features_and_boundaries": {"n_steps": "30", "units": "6", "measured": "60", "grid": "20"},
    "audit": {"n_worst": "2", "profile": "quick"},
}
FIGURES = {"compare": 3, "self_test": 1}  # a lesson has four at least; these two pages have tables beside theirs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with the notebooks of this one."""
    root = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(FOLDER, root / "notebooks", ignore=shutil.ignore_patterns(".*"))
    (root / "_toc.yml").write_text("root: index\n")
    return root


def small(name):
    """The parameters of a short run: on the small digits, where the notebook lets choose."""
    takes_data = "dataset" in declared(FOLDER / f"{name}.ipynb")
    return ({"dataset": "digits"} if takes_data else {}) | SMALL.get(name, {})


def execute(project, name, given):
    (done,) = run.run_all([plan(project, project / "notebooks" / f"{name}.ipynb", given, "netlens run")], "netlens run")
    return done.folder / "notebook.ipynb"


def outputs(copy):
    return [output for cell in json.loads(copy.read_text())["cells"] for output in cell.get("outputs", [])]


def sentences(copy):
    """What an executed notebook says in computed prose."""
    return "".join(part for output in outputs(copy) for part in output.get("data", {}).get("text/markdown", []))


def whole(copy, name, project):
    """Check what every executed notebook owes; give back its figures."""
    notebook = json.loads(copy.read_text())
    assert all(cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    shown = outputs(copy)
    assert not [output for output in shown if output["output_type"] in ("error", "stream")]
    assert [str(problem) for problem in gate.check(name, copy, project)] == []
    figures = [output for output in shown if "image/png" in output.get("data", {})]
    for figure in figures:
        facts = figure["metadata"]["netlens"]
        assert len(facts["alt"]) > 20
        assert facts["caption"].endswith((".", "**"))
        assert "image/svg+xml" in figure["data"]
    return figures


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs_on_small_data(project, name):
    figures = whole(execute(project, name, small(name)), name, project)
    assert len(figures) >= FIGURES.get(name, 4)


def test_the_audit_writes_its_numbers_beside_itself(project):
    copy = execute(project, "audit", small("audit"))
    document = json.loads((copy.parent / "audit.json").read_text())
    assert document["performance"]["accuracy"]["n"] == 359
    assert document["provenance"]["command"] == "netlens audit mnist-cnn --dataset digits --profile quick --seed 0"


@pytest.mark.parametrize("name", ["01_train_mnist_cnn", "audit"])
def test_a_network_without_convolutions_can_be_chosen(project, name):
    whole(execute(project, name, small(name) | {"model": "mnist-mlp"}), name, project)


def test_a_network_that_reads_no_texts_is_named_and_another_shown(project):
    name = "08_text"
    copy = execute(project, name, small(name) | {"model": "mnist-mlp", "dataset": "digits"})
    whole(copy, name, project)
    said = sentences(copy)
    assert "`mnist-mlp` reads no texts, so this lesson has nothing to show of it. This page looks at `text-transformer`" in said


def test_a_network_without_maps_is_named_and_another_shown(project):
    name = "03_saliency_and_gradcam"
    copy = execute(project, name, small(name) | {"model": "mnist-mlp"})
    whole(copy, name, project)
    said = sentences(copy)
    assert "This lesson has nothing to show of `mnist-mlp`: grad_cam cannot explain it (" in said
    assert "What follows is `mnist-cnn`." in said


def test_a_network_that_does_not_read_is_named_and_another_shown(project):
    name = "06_sequences"
    copy = execute(project, name, small(name) | {"model": "mnist-cnn", "layer": "conv2"})
    whole(copy, name, project)
    said = sentences(copy)
    assert "`mnist-cnn` has no recurrent layer, so this lesson has nothing to show of it. What follows is `mnist-lstm`." in said


def test_units_without_maps_are_painted_too(project):
    name = "10_features_and_boundaries"
    whole(execute(project, name, small(name) | {"model": "mnist-mlp"}), name, project)


def test_a_network_without_attention_is_named_and_another_shown(project):
    name = "05_attention_maps"
    copy = execute(project, name, small(name) | {"model": "mnist-cnn"})
    whole(copy, name, project)
    said = sentences(copy)
    assert "`mnist-cnn` has no attention, so this lesson has nothing to show of it. What follows is `mnist-vit`." in said
