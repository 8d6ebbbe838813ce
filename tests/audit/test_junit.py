"""JUnit: one test case a check."""

from xml.etree import ElementTree

from netlens.audit import Material, audit
from netlens.audit.junit import junit
from tests.audit.conftest import Reader, dataset, model, right_and_wrong


def suite(wrong, each=250, **settings):
    data = Material(dataset(*right_and_wrong(wrong, each)), None)
    report = audit(model(Reader(9.0)), data, checks=["NL101", "NL201", "NL302", "NL401"])
    return ElementTree.fromstring(junit({"reader": report.document()}, **settings))[0]


def test_each_verdict_has_its_element():
    found = suite((0, 100, 0))
    cases = {case.get("name")[:5]: [child.tag for child in case] for case in found}
    assert cases == {
        "NL101": ["system-out"],
        "NL201": ["skipped", "system-out"],
        "NL302": ["failure", "system-out"],
        "NL401": ["failure", "system-out"],
    }
    assert {name: found.get(name) for name in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "reader", "tests": "4", "failures": "2", "errors": "0", "skipped": "1",
    }  # fmt: skip
    assert "60 of 100" in found.find(".//failure").get("message")


def test_what_had_to_be_shown_is_an_error():
    found = suite((0, 0, 0), 20)
    assert [case.get("name")[:5] for case in found if case.find("error") is not None] == ["NL401"]


def test_a_caution_fails_only_when_strict():
    assert suite((0, 20, 0), 250).get("failures") == suite((0, 20, 0), 250, strict=False).get("failures")
    loose, strict = suite((0, 6, 0), 60), suite((0, 6, 0), 60, strict=True)
    assert int(strict.get("failures")) > int(loose.get("failures"))
