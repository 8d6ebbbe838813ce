"""Every page of a built site in a real browser: light and dark, wide and narrow, without a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NARROW, WIDE = 380, 1280
THEMES = ("light", "dark")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,  # the driver of the browser is another process
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed: apt-get install chromium"),
]

# The text of the page whose contrast is too small: the colour of each run of letters against what is painted behind it.
FAINT = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const over = (top, below) => { const a = top[3] ?? 1; return [0, 1, 2].map(i => a * top[i] + (1 - a) * below[i]); };
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(channels(getComputedStyle(e).backgroundColor));
    return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const walker = document.createTreeWalker(document.querySelector('.bd-container') ?? document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, words = node.textContent.trim();
    if (!words || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest('script, style, svg, mjx-container, .headerlink, .search-button__kbd-shortcut')) continue;  // marks, not text
    const ground = behind(element), ink = over(channels(getComputedStyle(element).color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) faint.push(`${words.slice(0, 30)}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""
EMPTY_IMAGES = "() => [...document.images].filter(i => i.checkVisibility() && !(i.complete && i.naturalWidth)).map(i => i.src)"
WIDER = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > width + 1);
  return wide.map(e => `${e.tagName}.${e.className}`).slice(0, 5).concat([`${document.documentElement.scrollWidth} > ${width}`]);
}"""


@dataclass(frozen=True)
class Seen:
    """What one page was like in one theme."""

    theme: str
    complaints: tuple[str, ...]
    faint: tuple[str, ...]
    wider: tuple[str, ...]


Open = Callable[[str, str], Any]


@pytest.fixture(scope="session")
def built_site(built_project: Path) -> Path:
    """The folder of the tutorial site."""
    return built_project / "_build" / "html"


@pytest.fixture(scope="module")
def addresses(built_site: Path) -> list[str]:
    """Every page but the front door, which opens another, relative to the site."""
    found = sorted(path.relative_to(built_site).as_posix() for path in built_site.rglob("*.html") if "_static" not in path.parts)
    found.remove("index.html")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def visit(browser: Any, built_site: Path) -> Open:
    """Open a page in a theme and wait until its formulas are set; `page.complaints` is what the browser said."""
    contexts = {theme: browser.new_context(color_scheme=theme, reduced_motion="reduce") for theme in THEMES}
    home = built_site.as_uri()

    def open_page(address: str, theme: str) -> Any:
        page = contexts[theme].new_page()
        page.complaints = complaints = []
        note = complaints.append
        page.on("console", lambda message: note(f"console: {message.text}") if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: note(f"script: {error}"))
        page.on("requestfailed", lambda request: note(f"failed: {request.url}"))
        page.on("request", lambda request: None if request.url.startswith((home, "data:")) else note(f"outside: {request.url}"))
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.goto(f"{home}/{address}", wait_until="load")
        page.add_style_tag(content="* { transition: none !important; animation: none !important }")
        page.wait_for_function("() => !window.MathJax || MathJax.startup.promise.then(() => true)")
        return page

    return open_page


@pytest.fixture(scope="module")
def seen(visit: Open, addresses: list[str]) -> dict[str, list[Seen]]:
    """What each page was like in each theme."""
    return {address: [look(visit(address, theme), theme) for theme in THEMES] for address in addresses}


def look(page: Any, theme: str) -> Seen:
    """Look at an open page, wide and then narrow, and close it."""
    document = page.evaluate("() => document.documentElement.dataset.theme") or theme  # reports have one look
    missing = [f"no picture: {source}" for source in page.evaluate(EMPTY_IMAGES)]
    faint = page.evaluate(FAINT) if document == theme else [f"the theme is {document}"]
    page.set_viewport_size({"width": NARROW, "height": 800})
    wider = page.evaluate(WIDER)
    complaints = tuple(page.complaints + missing)
    page.close()
    return Seen(theme, complaints, tuple(faint), tuple(wider))


def faults(seen: dict[str, list[Seen]], kind: str) -> dict[str, Any]:
    """The pages that have a fault of a kind."""
    return {f"{address} {one.theme}": getattr(one, kind) for address, both in seen.items() for one in both if getattr(one, kind)}


def test_every_page_loads_without_a_complaint(seen: dict[str, list[Seen]]) -> None:
    assert faults(seen, "complaints") == {}


def test_all_text_can_be_read(seen: dict[str, list[Seen]]) -> None:
    assert faults(seen, "faint") == {}


def test_a_telephone_needs_no_sideways_scrolling(seen: dict[str, list[Seen]]) -> None:
    assert faults(seen, "wider") == {}


@pytest.mark.parametrize(
    ("body", "kind", "fault"),
    [
        ("<script>nothing()</script>", "complaints", "nothing is not defined"),
        ("<img src='https://example.org/a.png'>", "complaints", "outside: https://example.org/a.png"),
        ("<img src='gone.png' width='9' height='9' alt=''>", "complaints", "no picture"),
        ("<p style='color: #999'>pale words</p>", "faint", "pale words: 2.8"),
        ("<main><div style='width: 900px; height: 9px'></div></main>", "wider", "> 380"),
    ],
)
def test_a_planted_fault_is_seen(visit: Open, built_site: Path, body: str, kind: str, fault: str) -> None:
    (built_site / "planted.html").write_text(f"<!DOCTYPE html><html><body>{body}</body></html>")
    try:
        found = look(visit("planted.html", "light"), "light")
    finally:
        (built_site / "planted.html").unlink()
    assert fault in " ".join(getattr(found, kind))


def test_formulas_are_set_and_spoken(visit: Open, addresses: list[str]) -> None:
    page = visit(next(address for address in addresses if address.startswith("notebooks/")), "light")
    assert page.locator("mjx-assistive-mml math").count() == page.locator("mjx-container > svg").count() > 0


def test_the_theme_button_changes_the_page(visit: Open, addresses: list[str]) -> None:
    page = visit(addresses[0], "light")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.locator("button.theme-switch-button:visible").first.click()
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(ground) != before
    page.evaluate("() => localStorage.clear()")


def test_the_search_finds_a_page(visit: Open, built_site: Path) -> None:
    page = visit("search.html?q=network", "light")
    page.wait_for_selector("#search-results li a")
    address = page.locator("#search-results li a").first.get_attribute("href")
    assert (built_site / address.partition("?")[0].partition("#")[0]).is_file()


def test_the_front_door_opens_the_first_page(visit: Open) -> None:
    page = visit("book/intro.html", "light")
    page.goto(page.url.replace("book/intro.html", "index.html"))
    page.wait_for_url("**/book/intro.html")
