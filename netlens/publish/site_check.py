"""Check the pages of a built site: what would embarrass us or shut a reader out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree, html

from netlens.publish.site_links import broken_links, foreign_requests, foreign_stylesheets

LEFTOVERS = (
    ("Traceback (most recent call last)", "a traceback is shown", "Mend the cell that fails."),
    ("System Message:", "a message of the page's parser is shown", "Mend the Markdown that it names."),
)
WARNING = re.compile(r"\bWARNING\b|\w+Warning: ")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
REPORTS = "reports"

Pages = dict[Path, html.HtmlElement]


def check_site(site: Path) -> list[str]:
    """List what is wrong with the pages below `site`, each as one message that names the page and the remedy.

    Notes
    -----
    Reports below `reports/` are documents of their own: only their links and requests are checked.
    """
    pages = {path: _parse(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.relative_to(site).parts}
    if not pages:
        return [f"{site}: there is no page. Build the site."]
    problems: list[str] = []
    for path, page in pages.items():
        name = path.relative_to(site)
        checks = (
            [foreign_requests(page)] if name.parts[0] == REPORTS or _redirects(page) else [_look(page), foreign_requests(page)]
        )
        problems += [f"{name}: {problem}" for check in checks for problem in check]
    problems += [f"{path.relative_to(site)}: {problem}" for path, problem in broken_links(pages, site)]
    problems += [f"{path.relative_to(site)}: {problem}" for path, problem in foreign_stylesheets(site)]
    return problems + _same_titles(pages, site)


def _parse(path: Path) -> html.HtmlElement:
    return html.document_fromstring(path.read_bytes(), parser=html.HTMLParser(encoding="utf-8"))


def _redirects(page: html.HtmlElement) -> bool:
    return bool(page.xpath("//meta[translate(@http-equiv, 'REFSH', 'refsh') = 'refresh']"))


def _look(page: html.HtmlElement) -> Iterator[str]:
    if not page.get("lang"):
        yield "the page does not say its language. Set `language` in _config.yml."
    yield from _headings(page)
    yield from _images(page)
    yield from _ids(page)
    yield from _leftovers(page)


def _headings(page: html.HtmlElement) -> Iterator[str]:
    headings = [element for element in page.iter(*HEADINGS) if not _hidden(element)]
    tops = [_words(element) for element in headings if element.tag == "h1"]
    if len(tops) != 1:
        found = f" ({', '.join(tops)})" if tops else ""
        yield f"there are {len(tops)} headings of level 1{found}. Give the page one title, and sections below it."
    level = 0
    for element in headings:
        here = int(element.tag[1])
        if here > level + 1:
            yield f"the heading '{_words(element)}' has level {here} after level {level}. Use level {level + 1}."
        level = here


def _images(page: html.HtmlElement) -> Iterator[str]:
    for image in page.iter("img"):
        if image.get("role") in ("presentation", "none") or _hidden(image) or _beside_words(image):
            continue
        if not (image.get("alt") or "").strip():
            yield f"the image {image.get('src', '')} has no alternative text. Say in `alt` what it shows."
    for drawing in page.iter("svg"):
        if drawing.get("role") == "img" and not (
            drawing.get("aria-label") or drawing.get("aria-labelledby") or drawing.find("title") is not None
        ):
            yield "an inline drawing has no name. Give it a `title` or an `aria-label`."


def _ids(page: html.HtmlElement) -> Iterator[str]:
    seen: set[str] = set()
    for value in page.xpath("//@id"):
        if value in seen:
            yield f"the id '{value}' stands twice. Rename one of the headings or labels."
        seen.add(value)


def _leftovers(page: html.HtmlElement) -> Iterator[str]:
    if page.xpath("//*[contains(concat(' ', @class, ' '), ' system-message ')]"):
        yield "a message of the page's parser is shown. Mend the Markdown that it names."
    prose = " ".join(page.xpath("//article//text()[not(ancestor::script) and not(ancestor::*[contains(@class, 'cell_input')])]"))
    for sign, problem, remedy in LEFTOVERS:
        if sign in prose:
            yield f"{problem}. {remedy}"
    outputs = " ".join(page.xpath("//*[contains(@class, 'cell_output')]//text()"))
    if found := WARNING.search(outputs):
        yield f"a warning is shown among the results ('{outputs[found.start() :][:60].strip()}'). Mend what it warns of."


def _same_titles(pages: Pages, site: Path) -> list[str]:
    seen: dict[str, Path] = {}
    problems: list[str] = []
    for path, page in pages.items():
        name = path.relative_to(site)
        title = " ".join((page.findtext(".//title") or "").split())
        if not title:
            problems.append(f"{name}: the page has no title. Begin it with a heading of level 1.")
        elif title in seen and not _redirects(page):
            problems.append(f"{name}: the title '{title}' is also that of {seen[title]}. Give each page a title of its own.")
        elif not _redirects(page):
            seen[title] = name
    return problems


def _hidden(element: html.HtmlElement) -> bool:
    """Whether no reader of the screen meets the element: it is hidden from all, or shows on paper only."""
    return any(
        parent.get("aria-hidden") == "true" or parent.tag == "noscript" or "onlyprint" in (parent.get("class") or "").split()
        for parent in (element, *element.iterancestors())
    )


def _beside_words(image: html.HtmlElement) -> bool:
    """Whether an image is marked as decoration of a link that says in words where it leads."""
    return image.get("alt") == "" and any(parent.tag == "a" and _words(parent) for parent in image.iterancestors())


def _words(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).replace("#", "").split())
