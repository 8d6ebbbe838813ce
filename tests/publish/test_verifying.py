"""Verification of a report: a good one has nothing that differs, and every kind of forgery is found and named."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from netlens.audit import audit, material
from netlens.audit.provenance import digest
from netlens.cli import main
from netlens.errors import DataError
from netlens.publish import fingerprints
from netlens.publish.pdf import pdf_bytes
from netlens.publish.report_files import STAMP, files
from netlens.publish.report_page import page
from netlens.publish.verifying import verify
from netlens.trained import obtain
from tests.audit.conftest import CLASSES, Reader, dataset, right_and_wrong

CHECKS = ("NL101", "NL201", "NL301", "NL401")
FACTORY = "from tests.audit.conftest import Reader as build\n"
CARD = f"""
[model]
name = "reader"
factory = "net.py:build"
weights = "w.safetensors"
[data]
source = "npz:data.npz"
modality = "image"
classes = {list(CLASSES)}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A model with a card and data, and the report of its audit."""
    root = tmp_path_factory.mktemp("report")
    (root / "net.py").write_text(FACTORY)
    (root / "card.toml").write_text(CARD)
    save_file(Reader(5.0).state_dict(), root / "w.safetensors")
    test, train = dataset(*right_and_wrong((3, 0, 0), 50)), dataset(*right_and_wrong((0, 0, 0), 20), split="train", seed=1)
    np.savez(root / "data.npz", x_test=test.raw, y_test=test.labels, x_train=train.raw, y_train=train.labels)
    model, _ = obtain(str(root / "card.toml"), device="cpu")
    report = audit(model, material(model.card), profile="quick", checks=CHECKS, command="netlens audit CARD")
    write(report.document(), root / "report")
    return root


def write(content, folder):
    """The files of a report, all of one cast."""
    folder.mkdir(exist_ok=True)
    text = json.dumps(content, indent=1)
    (folder / "audit.json").write_text(text)
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# A report\n\nIt says what was measured."}]
    notebook = {"cells": cells, "metadata": {"netlens": {"report": content["report"]}}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "audit.ipynb").write_text(json.dumps(notebook))
    (folder / "audit.html").write_text(page(notebook))
    (folder / "audit.pdf").write_bytes(pdf_bytes(notebook, attached={"audit.json": text.encode()}))
    hashes = {name: fingerprints.of_file(folder / name) for name in files("audit")}
    (folder / STAMP).write_text(json.dumps({"key": "k", "files": hashes}))


@pytest.fixture
def copy(made, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(made, tmp_path / "copy")


def differing(found):
    return {one.what: one.told for one in found if one.verdict == "differs"}


def edited(folder, change):
    """Change audit.json and nothing else."""
    content = json.loads((folder / "audit.json").read_text())
    change(content)
    (folder / "audit.json").write_text(json.dumps(content, indent=1))
    return content


def test_a_good_report_differs_in_nothing(made):
    found = verify(made / "report", str(made / "card.toml"), device="cpu", recompute=True)
    assert differing(found) == {}
    assert [one.what for one in found if one.verdict == "not checked"] == []
    assert {"files", "findings", "sources", "outcome", "performance", "PDF", "page", "weights", "test data", "numbers"} <= {
        one.what for one in found
    }


def test_without_the_model_it_says_what_was_not_checked(made):
    (left,) = [one for one in verify(made / "report" / "audit.pdf") if one.verdict == "not checked"]
    assert left.what == "model and data"
    assert "--model CARD" in left.told


def test_a_changed_finding_is_named(copy):
    edited(copy / "report", lambda content: content["findings"]["NL401"].update(verdict="PASS", value=0.001))
    found = differing(verify(copy / "report"))
    assert found["findings"] == "differs: NL401"
    assert "audit.json (changed)" in found["files"]
    assert "PDF" in found  # the numbers are embedded in it


def test_a_changed_threshold_is_named(copy):
    def loosen(content):
        for row in content["policy"]["thresholds"]:
            if row["check"] == "NL301" and row["threshold"] == "margin":
                row["value"] = 0.0

    edited(copy / "report", loosen)
    assert differing(verify(copy / "report"))["sources"] == "differs: NL301"


def test_a_polished_accuracy_does_not_follow_from_the_answers(copy):
    edited(copy / "report", lambda content: content["performance"]["accuracy"].update(hits=150))
    assert differing(verify(copy / "report"))["performance"] == "differs: the accuracy"


def test_a_polished_outcome_does_not_follow_from_the_findings(copy):
    edited(copy / "report", lambda content: content["outcome"].update(exit_code=1))
    assert differing(verify(copy / "report"))["outcome"].startswith("differs: 1 is said, ")


@pytest.mark.parametrize("name", ["audit.pdf", "audit.html"])
def test_a_page_of_another_report_is_noticed_even_with_its_hash_forged(copy, name):
    path = copy / "report" / name
    path.write_bytes(path.read_bytes() + b" ")
    stamp = json.loads((copy / "report" / STAMP).read_text())
    stamp["files"][name] = fingerprints.of_file(path)
    (copy / "report" / STAMP).write_text(json.dumps(stamp))
    assert set(differing(verify(copy / "report"))) == {"PDF" if name.endswith("pdf") else "page"}


def test_a_missing_page_is_named(copy):
    (copy / "report" / "audit.pdf").unlink()
    found = differing(verify(copy / "report"))
    assert found["files"] == "differs: audit.pdf (missing)"
    assert found["PDF"] == "differs: missing"


def test_other_weights_are_noticed(copy):
    weights = load_file(copy / "w.safetensors")
    weights["pick.bias"] += 1
    save_file(weights, copy / "w.safetensors")
    assert set(differing(verify(copy / "report", str(copy / "card.toml"), device="cpu"))) == {"weights"}


def test_other_data_are_noticed(copy):
    with np.load(copy / "data.npz") as arrays:
        held = dict(arrays)
    held["x_test"][7, 3, 3] ^= 1
    np.savez(copy / "data.npz", **held)
    assert set(differing(verify(copy / "report", str(copy / "card.toml"), device="cpu"))) == {"test data"}


def test_a_forgery_with_every_hash_redone_is_found_by_asking_the_model_again(copy):
    def forge(content):
        finding = content["findings"]["NL301"]
        finding["value"] = 0.999
        plain = {key: value for key, value in finding.items() if key not in ("inputs", "digest")}
        finding["digest"] = digest([finding["inputs"], plain])

    write(edited(copy / "report", forge), copy / "report")
    card = str(copy / "card.toml")
    assert differing(verify(copy / "report", card, device="cpu")) == {}
    found = differing(verify(copy / "report", card, device="cpu", recompute=True))
    assert found == {"numbers": "differs: NL301 (PASS 0.999 in the report, PASS 0.98 now)"}


def test_a_folder_without_an_audit_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"audit\.json' cannot be read"):
        verify(tmp_path)


def test_a_file_that_lacks_parts_is_refused(copy):
    edited(copy / "report", lambda content: content.pop("policy"))
    with pytest.raises(DataError, match=r"lacks what an audit holds \(KeyError: 'policy'\)"):
        verify(copy / "report")


def test_the_command_says_it_by_its_exit_code(copy):
    run = CliRunner().invoke(main, ["verify", str(copy / "report"), "--json"])
    assert run.exit_code == 0
    assert {row["verdict"] for row in json.loads(run.output)} == {"same", "not checked"}
    edited(copy / "report", lambda content: content["findings"]["NL401"].update(value=0.001))
    run = CliRunner().invoke(main, ["verify", str(copy / "report")])
    assert run.exit_code == 1
    assert "DIFFERS     findings: differs: NL401" in run.output
