"""Turn an executed notebook into one HTML file that needs nothing else: no script, no request, an alt text on every figure."""

from __future__ import annotations

import copy
import json
import re
from html import escape
from pathlib import Path
from typing import Any

from netlens.publish import notebook as nb
from netlens.publish.tables import accessible_table

STYLE = Path(__file__).with_name("report_page.css")
CITATION = re.compile(r"\{cite:[a-z]+\}`([^`]+)`")
DIRECTIVE = re.compile(r"^```\{.*?^```$", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r"(?<!\\)\$")
HIDDEN = {"remove-cell", "remove-output", "site-only"}
MARKS = {"PASS": "✓", "WARN": "!", "FAIL": "✗", "NOT SHOWN": "?"}
VERDICT = re.compile(r"<td>(PASS|WARN|FAIL|NOT SHOWN)</td>")
FIRST_HEADING = re.compile(r"\A\s*# .*$", re.MULTILINE)


def page(notebook: nb.Notebook, *, code: bool = False) -> str:
    """Write the page of an executed notebook; `metadata.netlens.report` gives its head.

    Parameters
    ----------
    code : whether the cells' source is shown.
    """
    from nbconvert import HTMLExporter
    from nbformat import reads

    shown = copy.deepcopy(notebook)
    report = shown["metadata"].get("netlens", {}).get("report", {})
    title = report.get("title") or nb.title(shown) or "Report"
    shown["cells"] = [_readable(cell) for cell in shown["cells"] if not HIDDEN & set(nb.tags(cell))]
    _drop_first_heading(shown["cells"])
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic", exclude_input=not code, exclude_output_prompt=True, exclude_anchor_links=True
    )
    exporter.exclude_input_prompt = True
    exporter.register_filter("markdown2html", markdown)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(reads(json.dumps(shown), as_version=4))  # type: ignore[no-untyped-call]
    style = STYLE.read_text(encoding="utf-8") + (_code_style() if code else "")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"{_head(title, report)}{body}\n</main>\n</body>\n</html>\n"
    )


def markdown(source: str) -> str:
    """Turn Markdown into HTML; formulas become MathML, which browsers show without a script.

    Of MyST's own syntax, citations stay as their keys, and directives go.
    """
    source = CITATION.sub(r"[\1]", DIRECTIVE.sub("", source))
    if not FORMULA.search(source):
        from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

        renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
        return str(MarkdownWithMath(renderer=renderer).render(source))
    import pypandoc

    return str(pypandoc.convert_text(source, "html", format="markdown+pipe_tables", extra_args=["--mathml", "--wrap=none"]))


def _code_style() -> str:
    """The colours of code."""
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    return str(HtmlFormatter(style="friendly").get_style_defs(".highlight"))


def _head(title: str, report: dict[str, Any]) -> str:
    """The title, what was found, the facts and the notice at the top of the page."""
    subtitle = f"<p class='subtitle'>{escape(report['subtitle'])}</p>\n" if report.get("subtitle") else ""
    rows = "".join(f"<dt>{escape(str(label))}</dt><dd>{escape(str(value))}</dd>\n" for label, value in report.get("facts", []))
    facts = f"<dl>\n{rows}</dl>\n" if rows else ""
    notice = f"<p class='notice'>{escape(report['notice'])}</p>\n" if report.get("notice") else ""
    return f"<header>\n<h1>{escape(title)}</h1>\n{subtitle}{_found(report)}{facts}{notice}</header>\n"


def _found(report: dict[str, Any]) -> str:
    """What an audit found: a sentence, one field an area, the main findings, and what could not be tested."""
    if "strip" not in report:
        return ""
    fields = "".join(
        f'<li class="{one["verdict"].lower().replace(" ", "-")}"><strong>{escape(one["title"])}</strong> '
        f"<b>{MARKS[one['verdict']]} {one['verdict']}</b> <span>{escape(one['told'])}</span></li>\n"
        for one in report["strip"]
    )
    main = "".join(
        f"<li><b>{escape(word)}: {escape(name)}.</b> {escape(sentence)} <small>({escape(code)})</small></li>\n"
        for word, name, sentence, code in report["main"]
    )
    more = f"<p>{escape(report['more'])}</p>\n" if report["more"] else ""
    return (
        f"<p class='lead'>{escape(report['lead'])}</p>\n<ul class='strip'>\n{fields}</ul>\n"
        + (f"<ul class='main'>\n{main}</ul>\n" if main else "")
        + f"{more}<p class='untested'>{escape(report['untested'])}</p>\n"
    )


def _drop_first_heading(cells: list[nb.Cell]) -> None:
    """Leave out the notebook's own title: the head of the page has one."""
    for cell in cells:
        if cell["cell_type"] == "markdown" and FIRST_HEADING.search(source := nb.text(cell["source"])):
            cell["source"] = FIRST_HEADING.sub("", source, count=1)
            return


def _readable(cell: nb.Cell) -> nb.Cell:
    """The cell with figures and tables as plain HTML, and without what is no part of a report."""
    outputs = [output for output in cell.get("outputs", []) if output.get("name") != "stderr"]
    return cell | ({"outputs": [_output(output) for output in outputs]} if "outputs" in cell else {})


def _output(output: dict[str, Any]) -> dict[str, Any]:
    data = output.get("data", {})
    facts = output.get("metadata", {}).get("netlens", {})
    if "image/png" in data:
        source = f"data:image/png;base64,{''.join(nb.text(data['image/png']).split())}"
        html = _figure(f'<img src="{source}" alt="{escape(facts.get("alt", ""))}">', facts.get("caption", ""))
    elif "image/svg+xml" in data:
        drawing = nb.text(data["image/svg+xml"])
        content = f'<div role="img" aria-label="{escape(facts.get("alt", ""))}">{drawing[drawing.index("<svg") :]}</div>'
        html = _figure(content, facts.get("caption", ""))
    elif "text/html" in data:
        html = VERDICT.sub(_coloured, accessible_table(nb.text(data["text/html"]), facts.get("caption", "")))
    elif "text/markdown" in data:
        html = markdown(nb.text(data["text/markdown"]))
    else:
        return output
    return {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}}


def _coloured(found: re.Match[str]) -> str:
    """A cell that holds a verdict, with the colour of the verdict behind it; the word stays."""
    return f'<td><span class="verdict {found[1].lower().replace(" ", "-")}">{found[1]}</span></td>'


def _figure(content: str, caption: str) -> str:
    words = f"<figcaption>{markdown(caption)}</figcaption>" if caption else ""
    return f"<figure>{content}{words}</figure>"
