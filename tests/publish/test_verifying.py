"""Verification of a report: a good one has nothing that differs, and every kind of forgery is found and named."""

import json
import shutil
import zlib

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from netlens.audit import audit, material, policy
from netlens.audit.provenance import digest, judged_by
from netlens.cli import main
from netlens.errors import DataError
from netlens.publish import fingerprints
from netlens.publish.pdf import pdf_bytes
from netlens.publish.report_files import STAMP, files
from netlens.publish.report_page import page
from netlens.publish.verifying import verify
from netlens.trained import obtain
from tests.audit.conftest import CLASSES, Reader, dataset, right_and_wrong

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
    report = audit(model, material(model.card), profile="quick", command="netlens audit CARD")
    write(report.document(), root / "report")
    return root


def write(content, folder):
    """The files of a report, all of one cast."""
    folder.mkdir(exist_ok=True)
    text = json.dumps(content, indent=1)
    (folder / "audit.json").write_text(text)
    said = "\n\n".join(finding["sentence"] for finding in content["findings"].values())
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": f"# A report\n\n{said}"}]
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
    assert [one.what for one in found] == [
        "files", "checks", "policy", "findings", "sources", "outcome", "performance", "title page", "sentences", "numbers in the PDF", "PDF",
        "page", "weights", "test data", "card", "training data", "numbers",
    ]  # fmt: skip


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
    found = differing(verify(copy / "report"))
    assert found["sources"] == "differs: NL301"
    assert found["policy"] == "differs: its thresholds have another hash"


def test_a_polished_accuracy_does_not_follow_from_the_answers(copy):
    edited(copy / "report", lambda content: content["performance"]["accuracy"].update(hits=150))
    assert differing(verify(copy / "report"))["performance"] == "differs: the accuracy"


def test_a_polished_outcome_does_not_follow_from_the_findings(copy):
    edited(copy / "report", lambda content: content["outcome"].update(exit_code=0))
    assert differing(verify(copy / "report"))["outcome"] == "differs: 0 is said, 1 follows"


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
        sealed(finding)

    assert forged(copy, forge) == "differs: NL301 (PASS 0.999 in the report, PASS 0.98 now)"


def forged(copy, forge):
    """What a new audit says of a report that was changed and of which every hash and page was made anew."""
    write(edited(copy / "report", forge), copy / "report")
    card = str(copy / "card.toml")
    assert differing(verify(copy / "report", card, device="cpu")) == {}
    found = differing(verify(copy / "report", card, device="cpu", recompute=True))
    assert list(found) == ["numbers"]
    return found["numbers"]


def sealed(finding):
    """The finding with a digest that fits what it says now."""
    plain = {key: value for key, value in finding.items() if key not in ("inputs", "digest")}
    finding["digest"] = digest([finding["inputs"], plain])


def test_a_forged_sentence_with_every_hash_redone_is_found(copy):
    def forge(content):
        content["findings"]["NL301"]["sentence"] = "On 150 test images, this model was right 99 times in 100 (98 to 100)."
        sealed(content["findings"]["NL301"])

    assert forged(copy, forge) == "differs: /findings/NL301/sentence"


@pytest.mark.parametrize(
    ("forge", "place"),
    [
        (lambda content: content["calibration"].update(ece=0.001), "/calibration/ece"),
        (lambda content: content["worst_cases"][0].update(probability=0.5), "/worst_cases/0/probability"),
        (lambda content: content["crosswalk"]["rows"][0].update(state="measured"), "/crosswalk/rows/0/state"),
    ],
)
def test_numbers_outside_the_findings_are_asked_again_too(copy, forge, place):
    assert forged(copy, forge) == f"differs: {place}"


def test_a_finding_that_was_taken_out_is_missed(copy):
    def take(content):
        del content["findings"]["NL302"]

    assert differing(verify(made_anew(copy, take)))["checks"] == "differs: NL302 is missing"


def test_a_check_that_was_taken_out_with_its_thresholds_is_missed(copy):
    def take(content):
        del content["findings"]["NL302"]
        policy = content["policy"]
        policy["thresholds"] = [row for row in policy["thresholds"] if row["check"] != "NL302"]
        content["provenance"]["policy"] = judged_by(policy["use"], policy["thresholds"], policy["required"])

    assert differing(verify(made_anew(copy, take))) == {"checks": "differs: NL302 is missing"}


def made_anew(copy, change):
    write(edited(copy / "report", change), copy / "report")
    return copy / "report"


def test_a_notebook_that_says_something_else_is_noticed(copy):
    path = copy / "report" / "audit.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] = notebook["cells"][0]["source"].replace("this model was right", "this model is right")
    path.write_text(json.dumps(notebook))
    attached = {"audit.json": (copy / "report" / "audit.json").read_bytes()}
    (copy / "report" / "audit.pdf").write_bytes(pdf_bytes(notebook, attached=attached))
    (copy / "report" / "audit.html").write_text(page(notebook))
    hashes = {name: fingerprints.of_file(copy / "report" / name) for name in files("audit")}
    (copy / "report" / STAMP).write_text(json.dumps({"key": "k", "files": hashes}))
    assert differing(verify(copy / "report")) == {"sentences": "differs: NL301"}


def test_set_by_other_versions_the_numbers_in_the_pdf_are_still_looked_at(copy):
    def older(content):
        content["provenance"]["typst"] = "0.1"

    report = made_anew(copy, older)
    assert differing(verify(report)) == {}
    edited(report, lambda content: content["calibration"].update(ece=0.001))
    assert differing(verify(report))["numbers in the PDF"] == "differs: they are not those beside it"


def test_a_card_that_reads_the_same_data_otherwise_is_noticed(copy):
    card = copy / "card.toml"
    card.write_text(card.read_text() + "mean = [0.5]\nstd = [0.5]\n")
    assert set(differing(verify(copy / "report", str(card), device="cpu"))) == {"card"}


@pytest.mark.parametrize("answer", [99, "one", -1, None])
def test_answers_that_are_none_end_in_one_message(copy, answer):
    edited(copy / "report", lambda content: content["answers"]["labels"].__setitem__(0, answer))
    run = CliRunner().invoke(main, ["verify", str(copy / "report")])
    assert run.exit_code in (1, 2)
    assert "netlens broke" not in run.output


def test_a_policy_whose_thresholds_have_many_digits_verifies(copy):
    model, _ = obtain(str(copy / "card.toml"), device="cpu")
    report = audit(model, material(model.card), profile="quick", judged_by=policy("driving"), command="netlens audit CARD")
    write(report.document(), copy / "driving")
    assert differing(verify(copy / "driving", str(copy / "card.toml"), device="cpu", recompute=True)) == {}


def test_a_pdf_alone_is_verified_by_the_numbers_inside(copy, tmp_path):
    alone = tmp_path / "handed over.pdf"
    shutil.copy(copy / "report" / "audit.pdf", alone)
    found = {one.what: one.verdict for one in verify(alone)}
    assert found["pages"] == "not checked"
    assert {found[name] for name in ("checks", "policy", "findings", "sources", "outcome", "performance")} == {"same"}
    assert verify(alone, str(copy / "card.toml"), device="cpu")[-4].what == "weights"


def test_a_pdf_alone_with_a_polished_number_is_noticed(copy, tmp_path):
    content = json.loads((copy / "report" / "audit.json").read_text())
    code = next(iter(content["findings"]))
    content["findings"][code]["value"] = 0.123
    notebook = json.loads((copy / "report" / "audit.ipynb").read_text())
    alone = tmp_path / "audit.pdf"
    alone.write_bytes(pdf_bytes(notebook, attached={"audit.json": json.dumps(content).encode()}))
    assert [one.told for one in verify(alone) if one.verdict == "differs"] == [f"differs: {code}"]


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7 stream\nno numbers", b"stream\n" + zlib.compress(b'{"schema": "netlens-audit/')]
)
def test_a_pdf_alone_without_numbers_is_refused(tmp_path, content):
    alone = tmp_path / "other.pdf"
    alone.write_bytes(content)
    with pytest.raises(DataError, match=r"other\.pdf' (holds no numbers of an audit|cannot be read)"):
        verify(alone)


def test_a_folder_without_an_audit_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"audit\.json' cannot be read"):
        verify(tmp_path)


def test_a_file_that_lacks_parts_is_refused(copy):
    edited(copy / "report", lambda content: content.pop("policy"))
    with pytest.raises(DataError, match=r"is not what an audit writes \(KeyError: 'policy'\)"):
        verify(copy / "report")


def test_the_command_says_it_by_its_exit_code(copy):
    run = CliRunner().invoke(main, ["verify", str(copy / "report"), "--json"])
    assert run.exit_code == 0
    assert {row["verdict"] for row in json.loads(run.output)} == {"same", "not checked"}
    edited(copy / "report", lambda content: content["findings"]["NL401"].update(value=0.001))
    run = CliRunner().invoke(main, ["verify", str(copy / "report")])
    assert run.exit_code == 1
    assert "DIFFERS     findings: differs: NL401" in run.output
