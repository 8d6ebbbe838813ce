"""The report of an audit: its first page, the numbers inside its PDF, and what a server that builds is told."""

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pikepdf
import pypdf
import pytest
from click.testing import CliRunner

from netlens import cli
from netlens.errors import OutputError
from netlens.publish import report_outcome
from netlens.publish.pdf import pdf_bytes
from netlens.publish.report import Audited, slug
from netlens.publish.report_page import page
from tests.publish.test_pdf import code_cell, markdown, notebook, shown

STRIP = [
    {"area": "performance", "title": "Right answers", "verdict": "FAIL", "told": "1 of 2 passed"},
    {"area": "fairness", "title": "Groups", "verdict": "NOT SHOWN", "told": "not tested"},
]
REPORT = {
    "title": "Audit of a thing",
    "subtitle": "Measured on 9 images",
    "lead": "It was right 5 times in 9.",
    "strip": STRIP,
    "main": [["Failure", "No class is left behind", "Of 100 cats it finds 3.", "NL302"]],
    "more": "2 findings more on the pages that follow.",
    "untested": "We could not test: groups.",
    "facts": [["Meant for", "Tests"]],
    "notice": "Not safe.",
}
NUMBERS = b'{"a": 1}'


@pytest.fixture(scope="module")
def source():
    rows = pd.DataFrame({"name": [f"row {i}" for i in range(20)]}).to_html(index=False)
    pages = [markdown("## Page one\n\nWords."), markdown("## Page two\n\nMore words."), markdown("## Little text\n\nStays.")]
    for cell in pages[1:]:
        cell["metadata"]["tags"] = ["new-page"]
    return notebook(pages[0], code_cell(shown({"text/html": rows})), *pages[1:], report=REPORT)


@pytest.fixture(scope="module")
def made(source):
    return pdf_bytes(source, attached={"audit.json": NUMBERS})


def test_the_numbers_lie_inside_and_the_standard_permits_it(made):
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert pdf.attachments["audit.json"].get_file().read_bytes() == NUMBERS
        assert pdf.attachments["audit.json"].relationship == pikepdf.Name.Data
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"], metadata["pdfuaid:part"]) == ("3", "A", "1")


def test_the_same_report_gives_the_same_bytes(source, made):
    assert pdf_bytes(source, attached={"audit.json": NUMBERS}) == made
    assert pdf_bytes(source, attached={"audit.json": NUMBERS + b" "}) != made


def test_the_first_page_says_what_was_found_before_what_it_was_found_on(made):
    first = pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text()
    places = [
        first.index(text)
        for text in ("Audit of a thing", "right 5 times", "Groups", "Of 100 cats", "could not test", "Meant for", "Not safe")
    ]
    assert places == sorted(places)
    assert "1 of 2 passed" in first


def test_a_page_begins_where_the_notebook_says(made):
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made)).pages]
    assert len(pages) == 3
    assert "Page one" in pages[1]
    assert "Page two" in pages[2]
    assert "Little text" in pages[2], "a page with nothing but text is not left"


def test_the_html_page_says_the_same_at_its_top(source):
    html = page(source)
    places = [
        html.index(text)
        for text in ("right 5 times", 'class="fail"', 'class="not-shown"', "Of 100 cats", "could not test", "Meant for")
    ]
    assert places == sorted(places)


def test_a_verdict_in_a_table_has_its_colour_and_keeps_its_word():
    rows = pd.DataFrame({"verdict": ["PASS", "NOT SHOWN"], "id": ["NL1", "NL2"]}).to_html(index=False)
    html = page(notebook(markdown("# T"), code_cell(shown({"text/html": rows}))))
    assert '<span class="verdict pass">PASS</span>' in html
    assert '<span class="verdict not-shown">NOT SHOWN</span>' in html


def finding(code, verdict, missing=()):
    return {
        "code": code, "title": "T", "area": "data", "verdict": verdict, "value": None, "low": None, "high": None, "n": 0, "rule": "r",
        "reason": "w", "sentence": "It is so.", "evidence": {}, "missing": list(missing),
    }  # fmt: skip


def audited(folder: Path, name: str, *findings: dict, unshown: tuple[str, ...] = ()) -> Audited:
    """A report whose audit.json holds these findings."""
    (folder / name).mkdir()
    content = {
        "findings": {one["code"]: one for one in findings},
        "policy": {"required": list(unshown)},
        "outcome": {"unshown": list(unshown)},
    }
    (folder / name / "audit.json").write_text(json.dumps(content))
    return Audited(name, folder / name, ())


def test_the_gravest_of_several_models_decides(tmp_path):
    good = audited(tmp_path, "good", finding("NL101", "PASS"), finding("NL302", "WARN"))
    lacking = audited(tmp_path, "lacking", finding("NL701", "NOT SHOWN", ["groups"]), unshown=("NL701",))
    bad = audited(tmp_path, "bad", finding("NL301", "FAIL"))
    codes = [
        report_outcome.code(given, strict=strict)
        for given, strict in (((good,), False), ((good,), True), ((good, lacking), True), ((bad, lacking), False))
    ]
    assert codes == [0, 3, 4, 1]
    assert report_outcome.lines([good, lacking, bad], strict=False)[::2] == [
        "good: passed", "lacking: incomplete (not shown: NL701)", "bad: failed",
    ]  # fmt: skip
    rows = report_outcome.rows([good, bad], strict=True)
    assert (rows["good"]["exit_code"], rows["good"]["verdicts"]) == (3, {"NL101": "PASS", "NL302": "WARN"})


def test_junit_is_written_and_a_folder_that_is_a_file_is_refused(tmp_path):
    bad = audited(tmp_path, "bad", finding("NL301", "FAIL"))
    report_outcome.write_junit([bad], tmp_path / "new" / "audit.xml", strict=False)
    assert ElementTree.parse(tmp_path / "new" / "audit.xml").getroot()[0].get("failures") == "1"
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        report_outcome.write_junit([bad], tmp_path / "file" / "audit.xml", strict=False)


@pytest.mark.parametrize(
    ("verdict", "options", "code"), [("FAIL", [], 1), ("WARN", [], 0), ("WARN", ["--strict"], 3), ("PASS", ["--strict"], 0)]
)
def test_the_command_ends_with_the_code_of_the_audit(tmp_path, monkeypatch, verdict, options, code):
    monkeypatch.setattr("netlens.paths.project", lambda _: tmp_path)
    one = audited(tmp_path, "thing", finding("NL301", verdict))
    asked = {}

    def audit(_root, _cards, given, _out, say):
        say("thing: about 9 forward passes")
        asked.update(given)
        return [one]

    monkeypatch.setattr("netlens.publish.report.audit", audit)
    done = CliRunner().invoke(cli.main, ["audit", "thing", "--profile", "quick", "--policy", "medical", *options])
    assert done.exit_code == code
    assert asked == {"profile": "quick", "policy": "medical"}
    assert "about 9 forward passes" in done.stderr
    assert str(one.folder / "audit.pdf") in done.stdout
    printed = CliRunner().invoke(cli.main, ["audit", "thing", "--json", *options])
    assert json.loads(printed.stdout)["thing"]["exit_code"] == code == printed.exit_code


@pytest.mark.parametrize(
    ("name", "folder"),
    [("CIFAR-10 ResNet", "cifar-10-resnet"), ("猫", "pets-2"), ("../..", "pets-2"), ("模型 v2", "v2"), (3, "3")],
)
def test_a_report_lies_in_a_folder_named_for_the_model(tmp_path, name, folder):
    card = tmp_path / "Pets 2.toml"
    card.write_text(f"[model]\nname = {json.dumps(name)}\n", encoding="utf-8-sig")
    assert slug(str(card)) == folder


def test_the_checks_are_listed():
    done = CliRunner().invoke(cli.main, ["list", "checks"])
    assert "NL301" in done.stdout
    assert "Right more often than a constant answer" in done.stdout
    rows = json.loads(CliRunner().invoke(cli.main, ["list", "checks", "--json"]).stdout)
    assert rows["NL201"]["needs"] == ["train data"]
    assert rows["NL301"]["passes for 1,000 samples"] == {"quick": 1000, "standard": 1000, "full": 1000}
