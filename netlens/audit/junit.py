"""The outcome of audits as JUnit XML, which servers that build and test software show: one suite a model, one test case a check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from netlens.audit.document import findings
from netlens.audit.finding import Finding
from netlens.audit.outcome import unshown


def junit(documents: Mapping[str, Mapping[str, Any]], *, strict: bool = False) -> str:
    """Write the findings of audits.

    Parameters
    ----------
    documents : model -> the content of its audit.json.
    strict : whether a caution is a failure.

    Returns
    -------
    XML. FAIL is a failure; a check that had to be shown and was not is an error; any other that was NOT SHOWN is skipped; a caution
    passes, and its sentence stands in the output.
    """
    suites = ElementTree.Element("testsuites", name="netlens audit")
    for model, document in documents.items():
        found = findings(document)
        lacking = unshown(found, document.get("policy", {}).get("required", []))
        suite = ElementTree.SubElement(suites, "testsuite", name=model)
        for finding in found:
            _case(suite, finding, model, finding.code in lacking, strict)
        count = {kind: str(len(suite.findall(f".//{kind}"))) for kind in ("failure", "error", "skipped")}
        suite.attrib |= {
            "tests": str(len(found)),
            "failures": count["failure"],
            "errors": count["error"],
            "skipped": count["skipped"],
        }
    ElementTree.indent(suites, " ")
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, finding: Finding, model: str, lacking: bool, strict: bool) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=f"{model}.{finding.area}", name=f"{finding.code} {finding.title}")
    text = f"{finding.sentence}\nRule: {finding.rule}\n{finding.reason}"
    if finding.verdict == "FAIL" or (strict and finding.verdict == "WARN"):
        ElementTree.SubElement(case, "failure", message=finding.sentence, type=finding.verdict).text = text
    elif lacking:
        ElementTree.SubElement(case, "error", message=finding.sentence, type=finding.verdict).text = text
    elif finding.verdict == "NOT SHOWN":
        ElementTree.SubElement(case, "skipped", message=finding.sentence)
    ElementTree.SubElement(case, "system-out").text = f"{finding.verdict}: {text}"
