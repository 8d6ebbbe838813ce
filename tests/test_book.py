"""The prose pages: every method has its section, every citation its entry, and the Markdown is what it means to be."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

import netlens

ROOT = Path(netlens.__file__).parent.parent
BOOK = ROOT / "book"
PAGES = sorted(BOOK.glob("*.md"))
METHODS = (BOOK / "methods.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^@(\w+)\{(\w+),\n(.*?)^\}$", re.MULTILINE | re.DOTALL)
LONGEST = 60  # words of a sentence

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def bibliography() -> dict[str, str]:
    """The fields of each entry of the bibliography."""
    return {key: fields for _, key, fields in ENTRY.findall((BOOK / "references.bib").read_text(encoding="utf-8"))}


def cited(text: str) -> list[str]:
    """The keys that a page cites, in order."""
    return [key.strip() for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text) for key in keys.split(",")]


def outside_code(text: str) -> str:
    """A page without fenced code and directives."""
    return re.sub(r"^(```|:::)[^\n]*\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)


def sections() -> dict[str, str]:
    """The sections of the page of methods that carry a label `method-KEY`, by key."""
    parts = re.split(r"^\(method-(\w+)\)=\n", METHODS, flags=re.MULTILINE)
    return {
        key: re.split(r"^(?:\(.*\)=\n)?## ", body, flags=re.MULTILINE)[0]
        for key, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_every_method_has_one_section() -> None:
    from netlens.explain import EXPLAINERS

    labels = re.findall(r"^\(method-(\w+)\)=\n### ", METHODS, flags=re.MULTILINE)
    assert Counter(labels) == Counter([*EXPLAINERS, "global_rules"])


@pytest.mark.parametrize("key", sections())
def test_a_section_asks_computes_advises_and_cites(key: str) -> None:
    section = sections()[key]
    assert re.search(r"^\*[A-Z].*[?.]\*$", section, flags=re.MULTILINE), "no question"
    assert r"\underbrace" in section, "no formula whose terms are named"
    for word in ("Use it", "Do not use it", "In netlens", "Paper"):
        assert section.count(f"**{word}**") == 1, word
    assert cited(section.partition("**Paper**")[2]), "no paper"
    facts = f"% netlens: the facts of {key} are inserted here"
    assert facts in section or key == "global_rules"


def test_every_link_to_a_method_leads_to_a_section() -> None:
    linked = {key for page in PAGES for key in re.findall(r"\]\(#method-(\w+)\)", page.read_text(encoding="utf-8"))}
    assert linked <= set(sections())


def test_the_papers_are_those_that_the_methods_name() -> None:
    from netlens.explain import EXPLAINERS

    entries = bibliography()
    for key, explainer in EXPLAINERS.items():
        identifier = explainer.reference.partition(":")[2]
        assert any(identifier in entries[entry] for entry in cited(sections()[key])), f"{key} cites no {explainer.reference}"


@pages
def test_every_citation_has_an_entry(page: Path) -> None:
    assert set(cited(page.read_text(encoding="utf-8"))) <= set(bibliography())


def test_every_entry_is_cited_on_a_page_or_named_in_a_lesson() -> None:
    known = {key for page in PAGES for key in cited(page.read_text(encoding="utf-8"))}
    lessons = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert [key for key, fields in bibliography().items() if key not in known and address(fields) not in lessons] == []


def address(fields: str) -> str:
    """The address of an entry; every entry has one, since each of these papers can be found."""
    found = re.search(r"^  url = \{(https://\S+)\},?$", fields, flags=re.MULTILINE)
    assert found is not None, fields
    return found[1]


def test_the_bibliography_is_whole() -> None:
    text = (BOOK / "references.bib").read_text(encoding="utf-8")
    entries = bibliography()
    assert text.count("\n@") + 1 == len(entries)
    assert list(entries) == sorted(entries)
    for key, fields in entries.items():
        assert {"author", "title", "year"} <= set(re.findall(r"^  (\w+) = \{", fields, flags=re.MULTILINE)), key
        assert fields.count("{") == fields.count("}"), key
        year = re.search(r"^  year = \{(\d{4})\}", fields, flags=re.MULTILINE)
        assert year is not None, key
        assert re.fullmatch(rf"[a-z]+{year[1]}[a-z]+", key), key
        if arxiv := re.search(r"note = \{arXiv:([\d.]+)\}", fields):
            assert address(fields) == f"https://arxiv.org/abs/{arxiv[1]}", key


@pages
def test_headings_start_with_one_title_and_skip_no_level(page: Path) -> None:
    levels = [len(marks) for marks in re.findall(r"^(#+) ", outside_code(page.read_text(encoding="utf-8")), flags=re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pages
def test_formulas_are_balanced(page: Path) -> None:
    text = outside_code(page.read_text(encoding="utf-8"))
    assert text.count("$$") % 2 == 0
    displayed = text.split("$$")[1::2]
    inline = re.findall(r"(?<!\\)\$([^$\n]+)\$", "".join(text.split("$$")[0::2]))
    for formula in [*displayed, *inline]:
        assert unbalanced(formula) == "", formula
        for brace in re.finditer(r"\\(under|over)brace\{", formula):
            rest = formula[closing(formula, brace.end()) + 1 :].lstrip()
            assert rest.startswith({"under": "_", "over": "^"}[brace[1]]), f"a term without a name: {formula[brace.start() :]}"


def unbalanced(formula: str) -> str:
    """What is left of the braces of a formula when all pairs are taken out."""
    braces = "".join(re.findall(r"[{}]", re.sub(r"\\[{}]", "", formula)))
    while "{}" in braces:
        braces = braces.replace("{}", "")
    return braces


def closing(formula: str, start: int) -> int:
    """Where the brace closes that was opened just before `start`."""
    depth = 1
    for place in range(start, len(formula)):
        if formula[place] in "{}" and formula[place - 1] != "\\":
            depth += 1 if formula[place] == "{" else -1
        if depth == 0:
            return place
    raise AssertionError(formula)


@pages
def test_tables_have_as_many_cells_in_each_row(page: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", outside_code(page.read_text(encoding="utf-8")), flags=re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table


@pages
def test_sentences_can_be_read_in_one_breath(page: Path) -> None:
    text = re.sub(r"\$\$.*?\$\$", "", outside_code(page.read_text(encoding="utf-8")), flags=re.DOTALL)
    blocks = [block for block in re.split(r"\n\s*\n|\n(?=[-|\d#])", text) if not block.lstrip().startswith(("|", "#", "%", "("))]
    for block in blocks:
        for sentence in re.split(r"(?<=[.?!:;])[*_\"”]*\s+", block):
            assert len(sentence.split()) <= LONGEST, sentence


@pages
def test_figures_that_are_included_are_made_by_a_notebook(page: Path) -> None:
    made = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name in re.findall(r"^```\{include\} figures/(.+)\.md$", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
        assert f'"figure:{name}"' in made, name


def test_the_commands_on_the_page_of_audits_exist() -> None:
    from netlens.cli import main

    page = (BOOK / "auditing.md").read_text(encoding="utf-8")
    lines = [line.removeprefix("$ ") for line in re.findall(r"^\$ netlens .*$", page, flags=re.MULTILINE)]
    lines += re.findall(r"netlens audit \"\$GITHUB.*$", page, flags=re.MULTILINE)
    assert len(lines) >= 9
    for line in lines:
        words = line.split()[1:]
        options = {option for parameter in main.commands[words[0]].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_the_policy_and_the_job_on_the_page_of_audits_can_be_used(tmp_path: Path) -> None:
    import yaml

    from netlens.audit.policy import policy

    page = (BOOK / "auditing.md").read_text(encoding="utf-8")
    (tmp_path / "policy.toml").write_text(re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)[0], encoding="utf-8")
    read = policy(str(tmp_path / "policy.toml"))
    assert read.use == "medical"
    assert "NL701" in read.required
    assert read.limits("NL301")["target"] == 0.97
    (job,) = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)[0])["jobs"].values()
    assert any("netlens audit" in step.get("run", "") for step in job["steps"])


def test_the_exit_codes_on_the_page_of_audits_are_those_of_the_program() -> None:
    from netlens.audit.outcome import MEANING

    page = (BOOK / "auditing.md").read_text(encoding="utf-8")
    told = {int(code) for code in re.findall(r"^\| (\d) \|", page, flags=re.MULTILINE)}
    assert told == {*MEANING, 2, 5}
