"""The form of the notebooks, so that a reader knows his way in each of them."""

import ast
import io
import itertools
import json
import re
import tokenize
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if path.stem not in ("audit", "compare", "self_test")]
LINES = 12
SECTIONS = ("## What we saw", "What this does not show", "## Exercises", "## References")
HELD = {"str", "int", "float", "bool"}


def of(paths):
    """Parametrise over notebooks."""
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell):
    return "".join(cell["source"])


def tags(cell):
    return cell["metadata"].get("tags", [])


def code(path):
    return [cell for cell in cells(path) if cell["cell_type"] == "code"]


def prose(path):
    return "\n\n".join(source(cell) for cell in cells(path) if cell["cell_type"] == "markdown")


def words(text):
    """How many words a reader reads: no marks, no link targets."""
    return len(re.sub(r"\]\([^)]*\)|[#*`\[\]]", " ", text).split())


def says(cell):
    """Whether a cell does nothing but print sentences, after computing the numbers in them."""
    last = ast.parse(source(cell)).body[-1]
    return isinstance(last, ast.Expr) and ast.unparse(last).startswith(("views.say(", "views.claim("))


def test_there_are_notebooks():
    assert {"01_train_mnist_cnn", "03_saliency_and_gradcam", "audit"} <= {path.stem for path in NOTEBOOKS}


@of(NOTEBOOKS)
def test_the_first_cell_asks_a_question_in_at_most_90_words(path):
    first = cells(path)[0]
    assert first["cell_type"] == "markdown"
    title, *rest = source(first).splitlines()
    assert re.fullmatch(r"# [A-Z0-9].*\?", title)
    assert 20 <= words("\n".join(rest)) <= 90
    assert [line for line in prose(path).splitlines() if line.startswith("# ")] == [title]


@of(NOTEBOOKS)
def test_the_first_cell_says_how_long_it_takes(path):
    assert re.search(r"takes about (\d+ seconds|a minute|\d+ minutes)\b", source(cells(path)[0]))


@of(NOTEBOOKS)
def test_the_parameters_are_annotated_literals_with_a_comment_each(path):
    second = cells(path)[1]
    assert second["cell_type"] == "code"
    assert tags(second) == ["parameters"]
    assert [number for number, cell in enumerate(cells(path)) if "parameters" in tags(cell)] == [1]
    text = source(second)
    comments = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT and len(token.string) > 10
    }
    for statement in ast.parse(text).body:
        assert isinstance(statement, ast.AnnAssign), ast.unparse(statement)
        assert statement.lineno in comments, f"{ast.unparse(statement)}: no comment"
        assert set(re.findall(r"\w+", ast.unparse(statement.annotation))) <= HELD | {"list", "None", "Literal"}
        ast.literal_eval(statement.value)


@of(NOTEBOOKS)
def test_the_parameters_can_be_read_by_the_command_line(path):
    from netlens.publish.parameters import declared

    names = [statement.target.id for statement in ast.parse(source(cells(path)[1])).body]
    assert list(declared(path)) == names
    assert {"device", "seed"} <= set(names)


@of(NOTEBOOKS)
def test_each_parameter_is_used(path):
    rest = "\n".join(source(cell) for cell in code(path)[1:])
    used = {node.id for node in ast.walk(ast.parse(rest)) if isinstance(node, ast.Name)}
    names = {statement.target.id for statement in ast.parse(source(cells(path)[1])).body}
    assert names - used == set()


@of(NOTEBOOKS)
def test_imports_are_in_the_third_cell_and_nowhere_else(path):
    third, *rest = code(path)[1:]
    assert "imports" in tags(third)
    assert len([line for line in source(third).splitlines() if line.strip()]) <= LINES or "# fmt: skip" in source(third)
    for cell in rest:
        assert not [node for node in ast.walk(ast.parse(source(cell))) if isinstance(node, ast.Import | ast.ImportFrom)]


@of(NOTEBOOKS)
def test_each_import_is_used(path):
    third, *rest = code(path)[1:]
    tree = ast.parse("\n".join(source(cell) for cell in [third, *rest]))
    names = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert names - {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} == set()


@of(NOTEBOOKS)
def test_code_cells_are_short_and_hide_no_work(path):
    for cell in code(path)[1:]:
        text = source(cell)
        lines = [line for line in text.splitlines() if line.strip()]
        assert len(lines) <= LINES or "# fmt: skip" in text, f"{cell['id']}: {len(lines)} lines"
        kinds = {type(node) for node in ast.walk(ast.parse(text))}
        assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try}, cell["id"]
        assert not re.search(r"^\s*[%!]", text, re.MULTILINE), f"{cell['id']}: a magic"


@of(NOTEBOOKS)
def test_at_most_two_code_cells_follow_each_other_beside_one_that_speaks(path):
    runs = [[]]
    for cell in cells(path)[3:]:
        runs[-1].append(cell) if cell["cell_type"] == "code" else runs.append([])
    long = [run for run in runs if len(run) > 3 or len([cell for cell in run if not says(cell)]) > 2]
    assert [[cell["id"] for cell in run] for run in long] == []


@of(NOTEBOOKS)
def test_nothing_is_stored_that_was_computed(path):
    for cell in code(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert set(metadata) <= {"kernelspec", "language_info"}
    assert metadata["kernelspec"]["name"] == "python3"


@of(NOTEBOOKS)
def test_cells_have_names_of_their_own(path):
    names = [cell["id"] for cell in cells(path)]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    assert len(set(names)) == len(names)


@of(LESSONS)
def test_a_lesson_ends_with_what_it_showed_and_what_it_did_not(path):
    text = prose(path)
    places = [text.find(section) for section in SECTIONS]
    assert -1 not in places, [section for section, place in zip(SECTIONS, places, strict=True) if place < 0]
    assert places == sorted(places)
    assert len(re.findall(r"^\d\. ", text[places[2] :], re.MULTILINE)) >= 3, "exercises"
    assert re.search(r"\]\(https://(doi\.org|arxiv\.org)/", text[places[3] :]), "a reference without a link"


@of(LESSONS)
def test_a_lesson_has_a_number(path):
    assert re.match(r"\d\d_[a-z0-9_]+$", path.stem)


@of(NOTEBOOKS)
def test_links_to_other_pages_lead_somewhere(path):
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)\s]+)\)", "\n".join(source(cell) for cell in cells(path)))
    pages = {page.stem for page in NOTEBOOKS} | {page.stem for page in (FOLDER.parent / "book").glob("*.md")}
    missing = [target for target in targets if Path(target.split("#")[0].removeprefix("../book/")).stem not in pages]
    assert missing == []


@of(NOTEBOOKS)
def test_links_to_the_world_are_encrypted(path):
    assert re.findall(r"\]\(http://[^)]*\)", prose(path)) == []


@of(NOTEBOOKS)
def test_headings_descend_one_level_at_a_time(path):
    levels = [len(mark) for mark in re.findall(r"^(#+) ", prose(path), re.MULTILINE)]
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


@of(LESSONS)
def test_no_number_of_a_result_is_typed_into_prose(path):
    for cell in cells(path)[1:]:
        if cell["cell_type"] == "markdown" and "## Exercises" not in source(cell):
            text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\]\([^)]*\)", "", source(cell), flags=re.DOTALL)
            assert re.findall(r"\d+\.\d+ ?%|\b0\.\d+|\d+ ?% of the|accuracy (?:is|of) \d+", text) == [], cell["id"]


@of(LESSONS)
def test_formulas_are_closed(path):
    for cell in cells(path):
        if cell["cell_type"] == "markdown":
            assert source(cell).count("$$") % 2 == 0, cell["id"]


@of(LESSONS)
def test_the_idea_is_checked_on_the_page(path):
    assert any(isinstance(node, ast.Assert) for cell in code(path) for node in ast.walk(ast.parse(source(cell))))
