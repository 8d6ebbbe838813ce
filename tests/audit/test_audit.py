"""Audits from end to end: of a clean model, of a perfect one, and of models with planted faults."""

import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import torch
from torch import nn

from netlens.audit import Material, audit, policy
from netlens.audit import document as document_module
from netlens.audit.document import findings, read
from netlens.audit.subject import SCHEMA
from netlens.behaviour import wilson
from netlens.errors import DataError, OutputError
from netlens.models.architectures import MnistMLP
from netlens.models.model import Model
from tests.audit.conftest import CLASSES, Reader, dataset, model, right_and_wrong

SIX = ("NL101", "NL201", "NL301", "NL302", "NL401", "NL501")


def audited(net, train, test, checks=SIX, **settings):
    return audit(model(net) if isinstance(net, nn.Module) else net, Material(test, train), checks=checks, **settings)


def verdicts(report):
    return {code: finding.verdict for code, finding in report.findings.items()}


@pytest.fixture
def clean(train):
    """A model that is wrong 12 times in 750 and says so: its confidence is about 0.984."""
    return audited(Reader(math.log(2 * 0.984 / 0.016)), train, dataset(*right_and_wrong((4, 5, 3))), command="netlens audit x")


def test_a_clean_model_passes_every_check(clean):
    assert set(verdicts(clean).values()) == {"PASS"}
    assert clean.exit_code == 0
    assert clean.subject.performance.accuracy == wilson(738, 750)
    assert len(clean.subject.worst) == 6
    methods = [explanation.method for explanation in clean.subject.explanations]
    assert methods == ["saliency", "integrated_gradients", "grad_cam"]
    assert all(len(explanation.values) == 6 for explanation in clean.subject.explanations)


def test_the_worst_cases_are_wrong_and_their_wrong_answer_is_explained(clean):
    subject = clean.subject
    answers = subject.performance.predictions[subject.worst.ids]
    assert (answers != subject.performance.labels[subject.worst.ids]).all()
    assert all((explanation.target.numpy() == answers).all() for explanation in subject.explanations)


def test_a_constant_model_fails_and_its_explanations_are_empty(train):
    report = audited(Reader(0.0, (1.0, 0.0, 0.0)), train, dataset(*right_and_wrong((0, 0, 0), 60)))
    assert verdicts(report)["NL301"] == verdicts(report)["NL302"] == "FAIL"
    assert report.exit_code == 1
    assert not any(explanation.values.any() for explanation in report.subject.explanations)
    json.dumps(report.document(), allow_nan=False)


def test_few_samples_show_nothing_and_the_audit_is_incomplete(train):
    report = audited(Reader(5.0), train, dataset(*right_and_wrong((1, 1, 1), 20)))
    assert {code for code, verdict in verdicts(report).items() if verdict == "NOT SHOWN"} == {"NL301", "NL302", "NL401"}
    assert report.unshown == ["NL301", "NL401"]
    assert report.exit_code == 4


def test_a_model_whose_answers_are_no_numbers_gets_a_report(train):
    report = audited(Reader(math.nan), train, dataset(*right_and_wrong((0, 0, 0), 60)))
    assert {code for code, verdict in verdicts(report).items() if verdict != "NOT SHOWN"} == {"NL201"}
    assert report.document()["performance"] is report.document()["calibration"] is report.document()["answers"] is None
    assert report.exit_code == 4


def test_a_perfect_model_has_nothing_to_explain(train):
    report = audited(Reader(30.0), train, dataset(*right_and_wrong((0, 0, 0))))
    assert report.subject.worst is None
    assert report.subject.explanations == ()
    assert verdicts(report) == dict.fromkeys(SIX, "PASS") | {"NL501": "NOT SHOWN"}
    assert report.exit_code == 0
    assert report.document()["worst_cases"] == []


def test_a_network_without_maps_is_audited_without_grad_cam(digits):
    train, test = digits
    torch.manual_seed(0)
    report = audited(Model(MnistMLP(8).eval(), "mlp", train.classes, train.preprocess), train, test, n_worst=2)
    assert [explanation.method for explanation in report.subject.explanations] == ["saliency", "integrated_gradients"]


def test_the_model_is_left_as_it_was(train):
    net = Reader(5.0)
    subject = model(net)
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    audited(subject, train, dataset(*right_and_wrong((3, 3, 3), 60)), [*SIX, "NL551", "NL552", "NL553"], profile="quick")
    assert all(module.training for module in net.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def numbers(value):
    """Every number in a document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_the_document_is_strict_json_with_rounded_numbers(clean, tmp_path):
    path = clean.write(tmp_path / "new")
    text = path.read_text(encoding="utf-8")

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(text, parse_constant=refuse)
    assert document == clean.document()
    assert text.endswith("}\n")
    assert all(number == float(f"{number:.6g}") for number in numbers(document))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["audit.json"]


def test_the_document_holds_the_numbers(clean):
    document = clean.document()
    assert document["schema"] == "netlens-audit/2"
    assert document["performance"]["accuracy"]["hits"] == 738
    assert document["performance"]["confusion"] == [[246, 4, 0], [0, 245, 5], [3, 0, 247]]
    assert document["performance"]["recall"]["two"]["value"] == pytest.approx(245 / 250)
    train = document["data"]["train"]
    assert (train["samples"], train["by_class"]) == (60, dict.fromkeys(CLASSES, 20))
    assert document["calibration"]["ece"] == pytest.approx(clean.subject.calibration.ece, rel=1e-5)
    assert list(document["findings"]) == list(SIX)
    assert document["answers"]["labels"] == clean.subject.test.labels.tolist()
    case = document["worst_cases"][0]
    assert case["sample"] == clean.subject.worst.ids[0]
    assert case["label"] != case["answer"]
    assert case["probability"] + 2 * case["probability_of_the_label"] == pytest.approx(1, abs=1e-5)


def test_the_document_is_what_its_schema_says(clean):
    schema = json.loads((Path(document_module.__file__).with_name("audit.schema.json")).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(clean.document(), schema)
    broken = clean.document()
    broken["findings"]["NL301"]["verdict"] = "GOOD"
    with pytest.raises(jsonschema.ValidationError, match="'GOOD' is not one of"):
        jsonschema.validate(broken, schema)


def test_what_was_noted_of_the_network_stands_in_the_document(clean, train):
    assert clean.document()["model"]["notes"] == []
    noted = replace(model(Reader(5.0)), notes=("'net.pth' was unpickled", "its weights are random"))
    found = audited(noted, train, dataset(*right_and_wrong((3, 3, 3), 60)), checks=("NL201",)).document()
    assert found["model"]["notes"] == ["'net.pth' was unpickled", "its weights are random"]
    schema = json.loads((Path(document_module.__file__).with_name("audit.schema.json")).read_text(encoding="utf-8"))
    jsonschema.validate(found, schema)
    del found["model"]["notes"]
    with pytest.raises(jsonschema.ValidationError, match="'notes' is a required property"):
        jsonschema.validate(found, schema)


def test_the_findings_come_back_from_the_document(clean, tmp_path):
    back = findings(read(clean.write(tmp_path)))
    assert [(one.code, one.verdict, one.n, one.sentence) for one in back] == [
        (one.code, one.verdict, one.n, one.sentence) for one in clean.findings.values()
    ]
    assert math.isnan(back[0].low)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "other/1"}', ""])
def test_what_is_no_audit_is_refused(tmp_path, content):
    (tmp_path / "audit.json").write_text(content)
    with pytest.raises(DataError, match=r"cannot be read|holds no audit"):
        read(tmp_path / "audit.json")


@pytest.mark.parametrize(
    "content", [{}, {"model": 3, "data": [1]}, {"model": {}, "data": None}, {"model": {}, "data": {"test": 1}}]
)
def test_an_audit_that_does_not_say_of_what_is_refused(tmp_path, content):
    (tmp_path / "audit.json").write_text(json.dumps({"schema": SCHEMA, **content}))
    with pytest.raises(DataError, match="does not say what was audited, on which data"):
        read(tmp_path / "audit.json")


def test_the_hashes_change_with_what_a_number_came_from(train):
    test = dataset(*right_and_wrong((4, 5, 3), 60))
    plain, stricter, other = (
        audited(*given).document()["findings"]["NL301"]
        for given in ((Reader(5.0), train, test), (Reader(5.0), train, test), (Reader(5.5), train, test))
    )
    assert plain == stricter
    assert plain["inputs"] != other["inputs"]
    demanding = audited(Reader(5.0), train, test, judged_by=policy("medical")).document()["findings"]
    assert demanding["NL302"]["inputs"] != audited(Reader(5.0), train, test).document()["findings"]["NL302"]["inputs"]


def test_the_stamps_go_by_the_thresholds_of_the_audit(train):
    test = dataset(*right_and_wrong((1, 1, 1), 10))
    usual, strict = (
        audited(Reader(5.0), train, test, ("NL551",), profile="quick", judged_by=policy(card=card))
        for card in (None, {"NL551": {"gap": 0.9}})
    )
    assert verdicts(usual)["NL551"] == "PASS"
    assert verdicts(strict)["NL551"] == "FAIL"
    assert "not evidence" not in {stamp.verdict for stamp in usual.stamps.values()}
    assert {stamp.verdict for stamp in strict.stamps.values()} == {"not evidence"}
    assert {stamp.policy.faithfulness for stamp in strict.stamps.values()} == {0.9}


def test_the_title_page(clean):
    page = clean.document()["report"]
    assert (page["title"], page["subtitle"]) == ("Audit of reader", "Measured on 750 images of planted")
    facts = dict(page["facts"])
    assert facts["Model"] == "reader, 52 parameters"
    assert facts["Meant for"] == "NOT SUPPLIED by its author"
    assert facts["Model fingerprint"] == clean.subject.model.fingerprint
    assert facts["Signed off"].startswith("not yet")
    assert "does not say that the model is safe" in page["notice"]
    assert len(page["strip"]) == 14


def test_the_tables(clean):
    frame = clean.frame()
    assert frame.columns.tolist() == ["check", "what it asks", "verdict", "what was found"]
    assert frame["verdict"].tolist() == ["PASS"] * 6
    assert clean.rules()["check"].tolist() == frame["check"].tolist()


def test_provenance_has_fingerprints_versions_and_no_path(clean):
    facts = clean.provenance
    assert facts["model fingerprint"] == clean.subject.model.fingerprint
    assert facts["test data fingerprint"] == clean.subject.test.fingerprint
    assert (facts["command"], facts["seed"], facts["card digest"]) == ("netlens audit x", "0", "no card")
    assert facts["torch"] == torch.__version__.split("+")[0] or facts["torch"] == torch.__version__
    assert not any("/" in value for value in facts.values())


def test_one_seed_one_report(train):
    subject, test = model(Reader(3.0)), dataset(*right_and_wrong((5, 5, 5), 60))
    first, again, other = (audited(subject, train, test, seed=seed).document() for seed in (1, 1, 2))
    assert first == again
    assert first["calibration"]["null"] != other["calibration"]["null"]


def test_a_folder_that_cannot_be_written_is_told(clean, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match=r"^audit: '.*file' cannot be written \(.*\)\. Choose another folder\.$"):
        clean.write(tmp_path / "file")


def test_a_write_that_breaks_leaves_the_old_report(clean, tmp_path, monkeypatch):
    from pathlib import Path

    path = clean.write(tmp_path)
    before = path.read_bytes()

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OutputError, match="No space left on device"):
        clean.write(tmp_path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["audit.json"]
