"""Follow what the pages of a site point at: links that lead nowhere, and loads from other hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html

# Attributes that make a browser fetch something as it opens the page; an ordinary link does not.
LOADING = {
    "src": ("script", "img", "source", "iframe", "embed", "video", "audio", "track", "input"),
    "srcset": ("img", "source"),
    "poster": ("video",),
    "data": ("object",),
    "href": ("link",),
}
FETCHED_RELATIONS = {
    "stylesheet",
    "icon",
    "shortcut",
    "preload",
    "prefetch",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
    "manifest",
}
IN_STYLE = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])((?:https?:)?//[^'")\s]+)""", re.IGNORECASE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
REMEDY = "Serve a copy from book/_static, or leave it out."

Pages = dict[Path, html.HtmlElement]


def foreign_requests(page: html.HtmlElement) -> Iterator[str]:
    """Say what a page would load from another host."""
    for attribute, tags in LOADING.items():
        for element in page.iter(*tags):
            if element.tag == "link" and not FETCHED_RELATIONS & set((element.get("rel") or "").lower().split()):
                continue
            value = element.get(attribute) or ""
            for target in re.split(r",\s+|\s+", value) if attribute == "srcset" else [value]:
                if _foreign(target):
                    yield f"<{element.tag}> loads {target} from another host. {REMEDY}"
    styles = [style.text or "" for style in page.iter("style")] + page.xpath("//@style")
    for target in _in_style(" ".join(styles)):
        yield f"a style loads {target} from another host. {REMEDY}"
    for script in page.xpath("//script[not(@src)]"):
        if found := re.search(r"""(?:import\s*\(?|fetch\(|\.src\s*=)\s*['"]((?:https?:)?//[^'"]+)""", script.text or ""):
            yield f"a script loads {found[1]} from another host. {REMEDY}"


def foreign_stylesheets(site: Path) -> Iterator[tuple[Path, str]]:
    """Say which style sheets load from another host."""
    for path in sorted(site.rglob("*.css")):
        for target in _in_style(path.read_text(encoding="utf-8", errors="replace")):
            yield path, f"a style loads {target} from another host. {REMEDY}"


def broken_links(pages: Pages, site: Path) -> Iterator[tuple[Path, str]]:
    """Say which links and loads inside the site lead to no file or to no place on its page."""
    anchors = {path: {*page.xpath("//@id"), *page.xpath("//a/@name")} for path, page in pages.items()}
    root = site.resolve()
    for path, page in pages.items():
        for target in dict.fromkeys(_targets(page)):
            problem = _follow(target, path, anchors, root)
            if problem:
                yield path, problem


def _targets(page: html.HtmlElement) -> Iterator[str]:
    for attribute in ("href", "src", "poster", "data"):
        for element in page.xpath(f"//*[@{attribute}]"):
            if attribute != "data" or element.tag == "object":
                yield element.get(attribute).strip()


def _follow(target: str, path: Path, anchors: dict[Path, set[str]], root: Path) -> str:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target:
        return ""
    if target.startswith("/"):
        return f"the link '{target}' begins at the root of the host. Write it relative to the page."
    there = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
    there = there / "index.html" if there.is_dir() else there
    if not there.is_relative_to(root):
        return f"the link '{target}' leaves the site. Point it inside, or write the full address."
    if not there.is_file():
        return f"the link '{target}' leads to no file. Mend the link, or add the file."
    place = unquote(parts.fragment)
    known = next((ids for page, ids in anchors.items() if page.resolve() == there), None)
    if place and known is not None and place not in known and place != "top":
        return f"the link '{target}' leads to no place on its page. Mend the part after '#'."
    return ""


def _foreign(target: str) -> bool:
    return bool(re.match(r"(?:[a-z]+:)?//", target.strip(), re.IGNORECASE)) and not target.startswith("file:")


def _in_style(text: str) -> list[str]:
    return IN_STYLE.findall(COMMENT.sub("", text))
