"""Each planted defect is found and named; a clean site gives no message."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlens.publish.site_check import check_site

HEAD = '<!DOCTYPE html><html lang="en"><head><title>{title}</title>{head}</head><body>'
BODY = """\
<a class="brand" href="index.html"><img src="logo.svg" alt=""><p>netlens</p></a>
<article><h1 id="top">{title}</h1><p>Words with a <a href="https://example.org/">link to elsewhere</a>.</p>
<h2 id="part">Part</h2><img src="logo.svg" alt="A lens."><h3>Detail</h3><h2>Next part</h2>{body}</article></body></html>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Two clean pages, a style sheet and an image."""
    (tmp_path / "logo.svg").write_text("<svg/>")
    (tmp_path / "look.css").write_text("/* https://example.org/ made this */ body { background: url(logo.svg) }")
    write(
        tmp_path,
        "index",
        "First",
        head='<link rel="stylesheet" href="look.css"><link rel="canonical" href="https://example.org/">',
    )
    write(
        tmp_path, "second", "Second", '<a href="index.html#part">back</a> <a href="#part">up</a> <a href="mailto:a@b.c">write</a>'
    )
    return tmp_path


def write(site: Path, name: str, title: str, body: str = "", head: str = "") -> None:
    (site / f"{name}.html").write_text(HEAD.format(title=title, head=head) + BODY.format(title=title, body=body))


def test_a_clean_site_gives_no_message(site: Path) -> None:
    assert check_site(site) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('<a href="third.html">x</a>', "the link 'third.html' leads to no file"),
        ('<a href="second.html#gone">x</a>', "the link 'second.html#gone' leads to no place on its page"),
        ('<a href="#gone">x</a>', "the link '#gone' leads to no place on its page"),
        ('<a href="/index.html">x</a>', "the link '/index.html' begins at the root of the host"),
        ('<a href="../secret.html">x</a>', "the link '../secret.html' leaves the site"),
        ('<img src="gone.png" alt="Gone.">', "the link 'gone.png' leads to no file"),
        ('<script src="gone.js"></script>', "the link 'gone.js' leads to no file"),
        ('<img src="logo.svg">', "the image logo.svg has no alternative text"),
        ('<img src="logo.svg" alt="  ">', "the image logo.svg has no alternative text"),
        ('<a href="index.html"><img src="logo.svg" alt=""></a>', "the image logo.svg has no alternative text"),
        ('<svg role="img"><path/></svg>', "an inline drawing has no name"),
        ("<h4>Deep</h4>", "the heading 'Deep' has level 4 after level 2. Use level 3"),
        ("<h1>Again</h1>", "there are 2 headings of level 1"),
        ('<p id="part">x</p>', "the id 'part' stands twice"),
        ('<script src="https://cdn.example.org/a.js"></script>', "<script> loads https://cdn.example.org/a.js from another host"),
        ('<img src="//cdn.example.org/a.png" alt="A.">', "<img> loads //cdn.example.org/a.png from another host"),
        ('<img src="logo.svg" srcset="https://e.org/b.png 2x" alt="A.">', "<img> loads https://e.org/b.png from another host"),
        ('<iframe src="https://e.org/" title="x"></iframe>', "<iframe> loads https://e.org/ from another host"),
        ("<style>@import 'https://e.org/f.css';</style>", "a style loads https://e.org/f.css from another host"),
        ('<p style="background: url(//e.org/a.png)">x</p>', "a style loads //e.org/a.png from another host"),
        ("<script>import('https://e.org/m.mjs')</script>", "a script loads https://e.org/m.mjs from another host"),
        ('<p class="system-message">Bad role</p>', "a message of the page's parser is shown"),
        ("<pre>Traceback (most recent call last)</pre>", "a traceback is shown"),
        ('<div class="cell_output">UserWarning: old</div>', "a warning is shown among the results ('UserWarning: old')"),
    ],
)
def test_a_planted_defect_is_the_one_message(site: Path, body: str, message: str) -> None:
    write(site, "planted", "Planted", body)
    problems = check_site(site)
    assert len(problems) == 1
    assert problems[0].startswith(f"planted.html: {message}")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('<link rel="stylesheet" href="https://fonts.example.org/css">', "<link> loads https://fonts.example.org/css"),
        ('<link rel="preconnect" href="//e.org">', "<link> loads //e.org from another host"),
        ("<style>body { background: url( 'http://e.org/a.png' ) }</style>", "a style loads http://e.org/a.png"),
    ],
)
def test_what_the_head_loads_is_seen(site: Path, head: str, message: str) -> None:
    write(site, "planted", "Planted", head=head)
    problems = check_site(site)
    assert len(problems) == 1
    assert problems[0].startswith(f"planted.html: {message}")


def test_a_style_sheet_that_loads_from_elsewhere_is_named(site: Path) -> None:
    (site / "look.css").write_text("@font-face { src: url(https://fonts.example.org/a.woff2) }")
    assert check_site(site) == [
        "look.css: a style loads https://fonts.example.org/a.woff2 from another host. "
        "Serve a copy from book/_static, or leave it out."
    ]


def test_a_page_without_a_language_is_named(site: Path) -> None:
    text = (site / "second.html").read_text()
    (site / "second.html").write_text(text.replace(' lang="en"', ""))
    assert check_site(site) == ["second.html: the page does not say its language. Set `language` in _config.yml."]


def test_two_pages_with_one_title_are_named(site: Path) -> None:
    write(site, "zzz", "First")
    assert check_site(site) == ["zzz.html: the title 'First' is also that of index.html. Give each page a title of its own."]


def test_a_page_without_a_heading_is_named(site: Path) -> None:
    (site / "bare.html").write_text(HEAD.format(title="Bare", head="") + "<p>x</p></body></html>")
    assert check_site(site) == ["bare.html: there are 0 headings of level 1. Give the page one title, and sections below it."]


def test_a_redirection_needs_no_heading_but_its_target_must_exist(site: Path) -> None:
    door = '<html><head><meta http-equiv="Refresh" content="0; url={0}"><title>x</title></head><body><a href="{0}">x</a></body></html>'
    (site / "door.html").write_text(door.format("index.html"))
    assert check_site(site) == []
    (site / "door.html").write_text(door.format("gone.html"))
    assert check_site(site) == ["door.html: the link 'gone.html' leads to no file. Mend the link, or add the file."]


def test_code_that_is_shown_may_speak_of_warnings(site: Path) -> None:
    write(site, "planted", "Planted", '<div class="cell_input"><pre>warnings.warn("UserWarning: x") # Traceback</pre></div>')
    assert check_site(site) == []


def test_an_empty_folder_is_no_site(tmp_path: Path) -> None:
    assert check_site(tmp_path) == [f"{tmp_path}: there is no page. Build the site."]
