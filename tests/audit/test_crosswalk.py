"""The table of laws: measured, declared, or NOT SUPPLIED."""

import json
from dataclasses import replace
from pathlib import Path

from netlens.audit.check import AREAS
from netlens.audit.checks import majority
from netlens.audit.crosswalk import content, crosswalk
from netlens.audit.sentences.areas import section
from netlens.card.tables import DeclaredTable
from tests.audit.conftest import subject

FOUND = majority.CHECK.run(subject(each=60))


def rows(declared, *findings):
    found = crosswalk(declared, {str(place): one for place, one in enumerate(findings)})
    return {(row["rule"], row["clause"]): row for row in found["rows"]}


def test_the_data_file_names_only_what_there_is():
    for row in content()["row"]:
        assert set(row) <= {"rule", "clause", "about", "measured", "declared", "printed", "by_hand"}
        assert set(row.get("measured", [])) <= set(AREAS)
        assert set(row.get("declared", [])) <= set(DeclaredTable.model_fields)
        assert row.get("printed", "provenance") in ("provenance", "model")
        assert "measured" in row or "declared" in row or "printed" in row
    named = [(row["rule"], row["clause"]) for row in content()["row"]]
    assert len(set(named)) == len(named)


def test_annex_iv_is_whole():
    clauses = [row["clause"] for row in content()["row"] if row["rule"] == "EU AI Act, Annex IV"]
    assert clauses == [*(f"1({i})" for i in "abcdefgh"), *(f"2({i})" for i in "abcdefgh"), *"3456789"]


def test_a_measurement_counts_only_when_it_was_shown():
    clause = ("EU AI Act", "15(3)")
    assert rows({}, FOUND)[clause]["state"] == "measured"
    assert rows({}, replace(FOUND, verdict="NOT SHOWN"))[clause]["state"] == "NOT SUPPLIED"
    both = rows({"metrics": "They fit."}, FOUND)[clause]
    assert (both["state"], both["evidence"], both["declared"], both["missing"]) == (
        "measured, declared", ["performance"], ["metrics"], ["instructions"],
    )  # fmt: skip


def test_an_empty_card_supplies_nothing_and_no_program_can_declare_conformity():
    found = rows(dict.fromkeys(DeclaredTable.model_fields, ""))
    assert found["EU AI Act, Annex IV", "8"]["state"] == "NOT SUPPLIED"
    assert found["EU AI Act, Annex IV", "1(c)"]["state"] == "measured"


def test_every_place_of_evidence_is_a_heading_of_the_report():
    notebook = json.loads((Path(__file__).parents[2] / "notebooks" / "audit.ipynb").read_text(encoding="utf-8"))
    lines = [line.strip() for cell in notebook["cells"] for line in cell["source"] if cell["cell_type"] == "markdown"]
    assert {f"## {section(place)}" for place in (*AREAS, "model")} <= set(lines)


def test_what_a_person_must_sign_is_missing_from_every_report():
    clause = ("EU AI Act, Annex IV", "2(g)")
    assert rows({})[clause]["state"] == "NOT SUPPLIED"
    found = rows(dict.fromkeys(DeclaredTable.model_fields, "x"), FOUND)[clause]
    assert (found["state"], found["missing"][-1]) == ("measured", "date and signature")
