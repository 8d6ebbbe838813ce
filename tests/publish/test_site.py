"""The small book through Jupyter Book: what is built, what is refused, and what stays when something breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lxml import html as lxml_html
from small_book import ALT, NAME, write_book, write_report

from netlens.errors import RunError
from netlens.publish.site import build_site
from netlens.publish.site_check import check_site

pytestmark = pytest.mark.slow


class Book:
    """The small book, its reports and its site."""

    def __init__(self, root: Path) -> None:
        self.root, self.html = root, root / "_build" / "html"
        self.executed = write_book(root)
        self.reports = {"mnist-cnn": write_report(root / "_build" / "reports" / "mnist-cnn")}

    def build(self) -> Path:
        """Build the site."""
        return build_site(self.root, self.executed, self.html, reports=self.reports)

    @contextmanager
    def added(self, words: str) -> Iterator[None]:
        """Add a paragraph to a page for a while."""
        page = self.root / "book" / "second.md"
        good = page.read_text()
        page.write_text(f"{good}\n{words}\n")
        try:
            yield
        finally:
            page.write_text(good)

    def state(self) -> dict[str, tuple[int, bytes]]:
        """When each file of the site was written, and what is in it."""
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in self.html.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    made = Book(tmp_path_factory.mktemp("site") / "book")
    made.build()
    return made


@pytest.fixture
def fresh(tmp_path: Path) -> Book:
    return Book(tmp_path / "book")


def test_the_site_passes_its_checks_and_nothing_is_left_beside_it(book: Book) -> None:
    assert check_site(book.html) == []
    assert sorted(path.name for path in (book.root / "_build").iterdir()) == ["html", "logs", "reports", "runs", "stage"]


def test_the_front_door_leads_to_the_first_page(book: Book) -> None:
    assert 'content="0; url=book/intro.html"' in (book.html / "index.html").read_text()


def test_a_figure_has_its_text_its_caption_and_its_size(book: Book) -> None:
    page = lxml_html.parse(str(book.html / "notebooks" / f"{NAME}.html"))
    (figure, _) = page.xpath("//article//figure")
    assert figure.find(".//img").get("alt") == ALT
    assert "200px" in lxml_html.tostring(figure.find(".//img"), encoding="unicode")
    assert "Notice that it is" in figure.find(".//figcaption").text_content()


def test_a_prose_page_shows_a_figure_that_a_notebook_computed(book: Book) -> None:
    (figure,) = lxml_html.parse(str(book.html / "book" / "intro.html")).xpath("//article//figure")
    assert figure.find(".//img").get("alt") == ALT
    assert "Notice that it is" in figure.find(".//figcaption").text_content()


def test_reports_are_published_beside_the_pages(book: Book) -> None:
    assert (book.html / "reports" / "mnist-cnn" / "audit.pdf").read_bytes() == b"%PDF-1.7\n"


def test_what_has_not_changed_is_not_built_again(book: Book) -> None:
    before = book.state()
    book.build()
    assert book.state() == before


def test_a_lost_page_is_built_again(book: Book) -> None:
    page = book.html / "book" / "second.html"
    page.unlink()
    book.build()
    assert page.is_file()


def test_the_same_sources_give_the_same_pages(book: Book, fresh: Book) -> None:
    fresh.build()
    ours, theirs = ({path.relative_to(one.html): path.read_bytes() for path in one.html.rglob("*.html")} for one in (book, fresh))
    assert ours == theirs


def test_a_warning_of_the_book_is_quoted_and_the_old_site_stays(book: Book) -> None:
    before = book.state()
    with (
        book.added("[nowhere](gone.md)"),
        pytest.raises(RunError, match=r"gave book/second\.md:8: WARNING: .*gone\.md.*jupyter-book\.log"),
    ):
        book.build()
    assert book.state() == before
    assert not list((book.root / "_build").glob(".tmp-*"))


def test_a_page_that_fails_a_check_is_named_and_the_old_site_stays(book: Book) -> None:
    before = book.state()
    message = r"failed 1 checks:\n  book/second\.html: the image .* has no alternative text"
    with book.added('<p><img src="../_static/logo.svg"></p>'), pytest.raises(RunError, match=message):
        book.build()
    assert book.state() == before
    assert (book.root / "_build" / "html-rejected" / "book" / "second.html").is_file()


def test_a_crash_before_the_site_is_put_in_place_leaves_the_old_one(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    before = book.state()

    def crash(_site: Path, _rejected: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("netlens.publish.site._require_sound", crash)
    with book.added("More."), pytest.raises(KeyboardInterrupt):
        book.build()
    assert book.state() == before
    assert not list((book.root / "_build").glob(".tmp-*"))


def test_a_damaged_stamp_means_building_again(book: Book) -> None:
    stamp = book.html / ".netlens-site.json"
    stamp.write_text('{"made_from": ')
    book.build()
    assert set(json.loads(stamp.read_text())) == {"made_from", "holds"}
