"""The project itself, built from nothing: every lesson, the site, the report; and what a second build does."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pikepdf
import pypdf
import pytest
from conftest import netlens

from netlens.publish.site_check import check_site

pytestmark = pytest.mark.slow

FILES = ("audit.pdf", "audit.html", "audit.json", "audit.ipynb")


@pytest.fixture(scope="module")
def report(built_project: Path) -> Path:
    return built_project / "_build" / "reports" / "mnist-cnn"


def figures(path: Path) -> list[str]:
    """The alt text of each figure in a PDF, in order."""
    found: list[str] = []

    def walk(node: pikepdf.Object) -> None:
        if isinstance(node, pikepdf.Array):
            for child in node:
                walk(child)
        elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
            if str(node["/S"]) == "/Figure":
                found.append(str(node.get("/Alt", "")))
            walk(node.get("/K", pikepdf.Array()))

    with pikepdf.open(path) as pdf:
        walk(pdf.Root["/StructTreeRoot"]["/K"])
    return found


def test_a_build_leaves_a_site_without_a_fault(built_project: Path) -> None:
    html = built_project / "_build" / "html"
    assert check_site(html) == []
    for notebook in (built_project / "notebooks").glob("*.ipynb"):
        assert (html / "notebooks" / f"{notebook.stem}.html").is_file()


def test_a_build_leaves_a_whole_report(report: Path) -> None:
    assert all((report / name).stat().st_size > 1000 for name in FILES)
    shown = json.loads((report / "audit.ipynb").read_text())
    alts = [
        output["metadata"]["netlens"]["alt"]
        for cell in shown["cells"]
        if "site-only" not in cell["metadata"].get("tags", [])
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert figures(report / "audit.pdf") == alts
    assert len(alts) >= 12


def test_the_report_is_archival_accessible_and_carries_its_numbers(report: Path) -> None:
    with pikepdf.open(report / "audit.pdf") as pdf:
        assert pdf.attachments["audit.json"].get_file().read_bytes() == (report / "audit.json").read_bytes()
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"], metadata["pdfuaid:part"]) == ("3", "A", "1")
        assert 12 <= len(pdf.pages) <= 20


def test_the_report_says_what_its_numbers_say(report: Path) -> None:
    numbers = json.loads((report / "audit.json").read_text())
    pdf = pypdf.PdfReader(io.BytesIO((report / "audit.pdf").read_bytes()))
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).replace("\u200b", "").split())
    accuracy = numbers["performance"]["accuracy"]
    assert accuracy["value"] >= 0.97
    assert f"On {accuracy['n']:,} test images, this model was right {100 * accuracy['value']:.0f} times" in text
    assert numbers["model"]["fingerprint"] in text.replace(" ", "")
    for finding in numbers["findings"].values():
        assert finding["sentence"] in text
        assert finding["code"] in text
    assert pdf.metadata.title == numbers["report"]["title"]


def test_a_second_build_has_nothing_to_do(built_project: Path) -> None:
    before = (built_project / "_build" / "html" / "index.html").stat().st_mtime_ns
    done = netlens(built_project, "build")
    assert done.returncode == 0, done.stderr
    assert "every notebook was up to date" in done.stdout + done.stderr
    assert (built_project / "_build" / "html" / "index.html").stat().st_mtime_ns == before


def test_one_notebook_touched_runs_alone(built_project: Path) -> None:
    path = built_project / "notebooks" / "audit.ipynb"
    original = path.read_text()
    try:
        path.write_text(original.replace("## Words used here", "## Words that are used here"))
        done = netlens(built_project, "build")
    finally:
        path.write_text(original)
    assert done.returncode == 0, done.stderr
    assert "1 notebook ran: audit" in done.stdout + done.stderr


def test_the_same_seed_gives_the_same_report(built_project: Path, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):  # each with a cache of its own, so that the network is trained twice
        project = tmp_path / name
        shutil.copytree(built_project, project, ignore=shutil.ignore_patterns("_build"))
        done = netlens(project, "audit", "mnist-cnn", "--profile", "quick", "-p", "seed=1")
        assert done.returncode in (0, 1), done.stderr  # a finding is no failure of the program
        folder = project / "_build" / "reports" / "mnist-cnn"
        made.append([(folder / file).read_bytes() for file in FILES])
    assert made[0] == made[1]
