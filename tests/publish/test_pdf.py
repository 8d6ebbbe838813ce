"""The PDF of a notebook, opened with two reader libraries."""

import base64
import io
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.font_manager
import nbformat
import pandas as pd
import pikepdf
import pypdf
import pytest
from matplotlib.figure import Figure
from nbconvert.exporters import get_exporter

from netlens.errors import RunError
from netlens.publish.pdf import NetlensPDFExporter, pdf_bytes
from netlens.publish.pdf.pieces import display_math
from netlens.publish.pdf.tables import html_table

ALT = 'A line that rises from 0 to 1; it says "up".'
REPORT = {
    "title": "Audit of a thing",
    "subtitle": "Measured",
    "facts": [["Fingerprint", "0123456789abcdef" * 4]],
    "notice": "Not safe.",
}


def svg(text: str = "axis text") -> str:
    figure = Figure(figsize=(3, 2))
    figure.subplots().set_xlabel(text)
    buffer = io.StringIO()
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "x"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def code_cell(*outputs: dict, tags: tuple[str, ...] = (), source: str = "secret_code()") -> dict:
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}, outputs=[nbformat.from_dict(one) for one in outputs])


def shown(data: dict, **ours: object) -> dict:
    return {"output_type": "display_data", "data": data, "metadata": {"netlens": ours} if ours else {}}


def notebook(*cells: dict, report: dict | None = None) -> nbformat.NotebookNode:
    made = nbformat.v4.new_notebook(cells=list(cells))
    if report:
        made.metadata["netlens"] = {"report": report}
    return made


def markdown(text: str) -> dict:
    return nbformat.v4.new_markdown_cell(text)


@pytest.fixture(scope="module")
def sample() -> nbformat.NotebookNode:
    frame = pd.DataFrame({"class": ["cat", "dog"], "recall": [0.91, 0.88], "verdict": ["PASS", "WARN"]})
    return notebook(
        markdown("# A question?\n\nFirst words with $x^2$.\n\n## Numbers\n\n$$\n\\underbrace{a}_{\\text{term}} = b\n$$"),
        code_cell(shown({"image/svg+xml": svg(), "text/plain": "figure"}, alt=ALT, caption="Look at **this**.")),
        code_cell(shown({"text/html": frame.to_html(index=False), "text/plain": "frame"}, caption="Two animals.")),
        markdown(
            "## Words\n\n\\begin{align}\nu &= v \\\\\nw &= z\n\\end{align}\n\nSee [another page](other) and [1]: [PASS]{.pass}."
        ),
        code_cell(shown({"text/markdown": "A computed sentence: 42."})),
        code_cell({"output_type": "stream", "name": "stdout", "text": "printed words\n"}),
        code_cell(shown({"text/plain": "hidden words"}), tags=("remove-cell",)),
        report=REPORT,
    )


@pytest.fixture(scope="module")
def made(sample: nbformat.NotebookNode) -> bytes:
    return pdf_bytes(sample)


def text_of(content: bytes) -> str:
    return " ".join(
        " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages).replace("\u200b", "").split()
    )


def structure(content: bytes) -> list[tuple[str, str]]:
    """Each element of the structure tree in order: its tag and its alt text."""
    found: list[tuple[str, str]] = []

    def walk(node: pikepdf.Object) -> None:
        if isinstance(node, pikepdf.Array):
            for child in node:
                walk(child)
        elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
            found.append((str(node["/S"]), str(node.get("/Alt", ""))))
            walk(node.get("/K", pikepdf.Array()))

    with pikepdf.open(io.BytesIO(content)) as pdf:
        walk(pdf.Root["/StructTreeRoot"]["/K"])
    return found


def test_it_is_archival_and_accessible(made: bytes) -> None:
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert pdf.Root["/MarkInfo"]["/Marked"]
        assert str(pdf.Root["/Lang"]).startswith("en")
        assert pdf.Root["/ViewerPreferences"]["/DisplayDocTitle"]
        with pdf.open_metadata() as metadata:
            assert metadata["pdfaid:part"] == "2"
            assert metadata["pdfaid:conformance"] == "A"
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"] == REPORT["title"]


def test_same_notebook_same_bytes(sample: nbformat.NotebookNode, made: bytes) -> None:
    assert pdf_bytes(sample) == made


def test_the_date_is_the_one_that_the_environment_names(
    sample: nbformat.NotebookNode, made: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    again = pdf_bytes(sample)
    assert again != made
    assert pypdf.PdfReader(io.BytesIO(again)).metadata.creation_date_raw.startswith("D:20231114")


def test_text_stands_in_reading_order_and_code_is_hidden(made: bytes) -> None:
    text = text_of(made)
    marks = [
        "Audit of a thing",
        "Measured",
        "First words",
        "Numbers",
        "axis text",
        "Look at this.",
        "cat",
        "Two animals.",
        "Words",
        "42",
    ]
    places = [text.find(mark, text.find("First words") if mark in {"Numbers", "Words"} else 0) for mark in marks]
    assert -1 not in places
    assert places == sorted(places)
    assert "secret_code" not in text
    assert "hidden words" not in text
    assert "printed words" in text


def test_code_is_shown_on_request(sample: nbformat.NotebookNode) -> None:
    assert "secret_code" in text_of(pdf_bytes(sample, code=True))


def test_the_alt_text_of_a_figure_is_the_one_given(made: bytes) -> None:
    assert [alt for tag, alt in structure(made) if tag == "/Figure"] == [ALT]


def test_formulas_have_alt_texts(made: bytes) -> None:
    alts = [alt for tag, alt in structure(made) if tag == "/Formula"]
    assert alts[0] == "x^2"
    assert "underbrace" in alts[1]
    assert "begin{align}" in alts[2]
    assert len(alts) == 3


def test_tables_are_tables(made: bytes) -> None:
    tags = [tag for tag, _ in structure(made)]
    assert tags.count("/TR") == 3
    assert tags.count("/TH") == 3
    assert tags.count("/TD") == 6


def test_headings_are_bookmarks_and_no_level_is_skipped(made: bytes) -> None:
    def flat(outline: list) -> list[str]:
        return [title for entry in outline for title in (flat(entry) if isinstance(entry, list) else [entry["/Title"]])]

    assert flat(pypdf.PdfReader(io.BytesIO(made)).outline) == ["Numbers", "Words"]
    deep = pdf_bytes(notebook(markdown("# T\n\n## A\n\n##### B\n\n## C")))
    assert [tag for tag, _ in structure(deep) if tag in {"/H1", "/H2", "/H3"}] == ["/H1", "/H2", "/H1"]


def test_a_fingerprint_can_be_copied_whole(made: bytes) -> None:
    assert REPORT["facts"][0][1] in text_of(made).replace(" ", "")


def test_pages_are_numbered(made: bytes) -> None:
    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    assert f"{len(pages)} / {len(pages)}" in pages[-1].extract_text()


def test_without_a_report_the_first_heading_is_the_title() -> None:
    made = pdf_bytes(notebook(markdown("# Only a heading\n\nText.")))
    assert pypdf.PdfReader(io.BytesIO(made)).metadata.title == "Only a heading"
    assert text_of(made).count("Only a heading") == 1


def test_a_figure_without_alt_text_gets_an_honest_one(caplog: pytest.LogCaptureFixture) -> None:
    made = pdf_bytes(notebook(code_cell(shown({"image/svg+xml": svg()}))))
    assert [alt for tag, alt in structure(made) if tag == "/Figure"] == ["Figure 1, without a description by its author."]
    assert "figure 1 has no alt text" in caplog.text


def test_an_alt_text_in_the_metadata_of_a_cell_is_used() -> None:
    cell = code_cell(shown({"image/svg+xml": svg()}))
    cell["metadata"]["mystnb"] = {"image": {"alt": "from the cell"}}
    assert ("/Figure", "from the cell") in structure(pdf_bytes(notebook(cell)))


def test_png_attachments_and_pictures_beside_the_notebook(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Figure(figsize=(1, 1)).savefig(buffer, format="png")
    (tmp_path / "beside.png").write_bytes(buffer.getvalue())
    cell = markdown('![attached](attachment:a.png) ![beside](beside.png) <img src="beside.png" alt="tagged">')
    cell["attachments"] = {"a.png": {"image/png": base64.b64encode(buffer.getvalue()).decode()}}
    made = pdf_bytes(notebook(cell), folder=tmp_path)
    assert [alt for tag, alt in structure(made) if tag == "/Figure"] == ["attached", "beside", "tagged"]


def test_a_missing_picture_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cell 2: there is no picture 'gone\.png'"):
        pdf_bytes(notebook(markdown("ok"), markdown("![x](gone.png)")), folder=tmp_path)


def test_a_damaged_picture_is_one_clear_error() -> None:
    cell = code_cell(shown({"image/png": base64.b64encode(b"no picture").decode()}, alt="x"))
    with pytest.raises(RunError, match="the PDF could not be set"):
        pdf_bytes(notebook(cell))


def test_an_unknown_command_in_a_formula_is_an_error_that_names_it() -> None:
    with pytest.raises(RunError, match=r"cell 1: Could not convert TeX math \\unheardof"):
        pdf_bytes(notebook(markdown("$\\unheardof x$")))


def test_a_picture_on_the_web_becomes_its_address() -> None:
    made = pdf_bytes(notebook(markdown("![a cat](https://example.org/cat.png)")))
    assert "a cat" in text_of(made)


def test_a_character_without_a_font_is_spelt_out(caplog: pytest.LogCaptureFixture) -> None:
    assert "(U+1F680)" in text_of(pdf_bytes(notebook(markdown("Up \U0001f680"))))
    assert "(U+1F680)" in caplog.text


@pytest.mark.skipif(
    not any("CJK" in Path(path).name for path in matplotlib.font_manager.findSystemFonts()),
    reason="no Chinese, Japanese and Korean font is installed",
)
def test_chinese_text_is_kept() -> None:
    assert "神经网络" in text_of(pdf_bytes(notebook(markdown("# 神经网络\n\n神经网络 and more"))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\begin{align}a\\end{align}", "$$\\begin{align}a\\end{align}$$"),
        ("$$\\begin{align}a\\end{align}$$", "$$\\begin{align}a\\end{align}$$"),
        ("```\n\\begin{align}a\\end{align}\n```", "```\n\\begin{align}a\\end{align}\n```"),
        ("\\begin{matrix}a\\end{matrix}", "\\begin{matrix}a\\end{matrix}"),
    ],
)
def test_environments_that_stand_alone_become_formulas(text: str, expected: str) -> None:
    assert display_math(text) == expected


def test_tables_keep_row_names_spans_and_align_numbers() -> None:
    columns = pd.MultiIndex.from_tuples([("size", "a"), ("size", "b")])
    table = html_table(pd.DataFrame([[1, 2.5], [3, 4.0]], index=["x", "y"], columns=columns).to_html())
    assert 'table.cell(colspan: 2)[#strong("size")]' in table
    assert "align: (left, right, right,)" in table
    assert '[#"x"], [#"1"], [#"2.5"]' in table.replace("\n", " ")


def test_the_exporter_is_registered() -> None:
    assert get_exporter("netlens-pdf") is NetlensPDFExporter


def test_finding_the_exporter_loads_nothing_heavy() -> None:
    check = (
        "import sys, netlens.publish.pdf; heavy = {'typst', 'pypandoc', 'matplotlib', 'torch', 'pandas'} & set(sys.modules);"
        " assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.mark.slow
def test_nbconvert_makes_it_from_the_command_line(sample: nbformat.NotebookNode, made: bytes, tmp_path: Path) -> None:
    nbformat.write(sample, tmp_path / "any.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "netlens-pdf", str(tmp_path / "any.ipynb")]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path)})
    assert (tmp_path / "any.pdf").read_bytes() == made


def test_a_table_names_the_pages_of_sections() -> None:
    frame = pd.DataFrame({"row": ["15(1)", "8"], "evidence": ["Right answers, Weak spots", "–"]})
    table = code_cell(shown({"text/html": frame.to_html(index=False), "text/plain": ""}, sections=["evidence"]))
    second = code_cell(shown({"image/svg+xml": svg(), "text/plain": "figure"}, alt=ALT, caption="A picture."))
    last = markdown("## Weak spots\n\nFew.")
    last.metadata["tags"] = ["new-page"]
    content = pdf_bytes(notebook(markdown("# T\n\n## Right answers\n\nMany."), table, second, last, report=REPORT))
    assert "evidence (page)" in text_of(content)
    assert "Right answers (2), Weak spots (3)" in text_of(content)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        links = [one for one in pdf.pages[1]["/Annots"] if one["/Subtype"] == "/Link"]
        assert len(links) == 2
        assert all(str(one.get("/Contents", "")) for one in links)
