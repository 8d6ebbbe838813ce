"""An executed notebook becomes a page: what a reader must find there, and must not."""

from __future__ import annotations

import copy
import json
import shlex
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from small_book import ALT, CAPTION, NAME, TABLE, code, executed, figure, markdown, notebook, png, shown, write_book, write_report

from netlens.errors import RunError, UsageError
from netlens.publish.page import page
from netlens.publish.recipe import Recipe, shown_parameters
from netlens.publish.stage import stage
from netlens.publish.tables import accessible_table

RECORD = {"seconds": 8.7, "device": "cpu", "versions": {"torch": "2.9.0", "papermill": "2.7"}}


@pytest.fixture
def cells() -> list[dict[str, Any]]:
    return list(page(executed(), NAME, RECORD)["cells"])


def images(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [cell for cell in cells if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))]


def test_each_figure_has_a_cell_with_its_own_alternative_text_and_caption(cells: list[dict[str, Any]]) -> None:
    options = [cell["metadata"]["mystnb"] for cell in images(cells)]
    assert [option["image"]["alt"] for option in options] == [ALT, "A second square."]
    assert [option["figure"]["caption"] for option in options] == [CAPTION, "Another one."]
    assert len({option["figure"]["name"] for option in options}) == 2


def test_figures_are_png_at_half_their_pixels_and_without_code(cells: list[dict[str, Any]]) -> None:
    first = images(cells)[0]
    assert list(first["outputs"][0]["data"]) == ["image/png"]
    assert first["metadata"]["mystnb"]["image"]["width"] == "200px"
    assert "remove-input" in first["metadata"]["tags"]


def test_outputs_keep_their_order_and_computed_text_becomes_prose(cells: list[dict[str, Any]]) -> None:
    start = next(index for index, cell in enumerate(cells) if cell["source"] == "show()")
    source, first, prose, second, table, value = cells[start : start + 6]
    assert source["outputs"] == [{"output_type": "stream", "name": "stdout", "text": "one line\n"}]
    assert [first, second] == images(cells)
    assert (prose["cell_type"], prose["source"]) == ("markdown", "We see **98.1 %**.")
    assert "<caption>Numbers <em>per class</em>.</caption>" in table["outputs"][0]["data"]["text/html"]
    assert value["outputs"][0]["data"] == {"text/plain": "0.5"}


def test_a_cell_that_only_says_something_shows_the_sentence_and_folds_its_code() -> None:
    said = code("views.say(f'{x}')", shown({"text/markdown": "It is **3**."}, claim=True), identity="said")
    sentence, source = page(notebook(markdown("# T"), said), NAME, {})["cells"][2:4]
    assert (sentence["cell_type"], sentence["source"]) == ("markdown", "It is **3**.")
    assert (source["source"], source["metadata"]["tags"]) == ("views.say(f'{x}')", ["hide-input", "computed"])
    assert source["outputs"] == []


def test_the_executed_notebook_is_left_as_it_is() -> None:
    before = executed()
    given = copy.deepcopy(before)
    page(given, NAME, RECORD)
    assert given == before


def test_a_page_is_a_valid_notebook_with_distinct_cell_ids() -> None:
    made = page(executed(), NAME, RECORD)
    nbformat.validate(nbformat.from_dict(made))


def test_one_parameters_cell_shows_the_values_of_the_run(cells: list[dict[str, Any]]) -> None:
    folded = [cell for cell in cells if "seed" in cell["source"] and cell["cell_type"] == "code"]
    assert [cell["source"].splitlines()[2] for cell in folded] == ["seed: int = 7  # any integer"]
    assert folded[0]["metadata"]["tags"] == ["hide-input"]
    assert folded[0]["metadata"]["mystnb"]["code_prompt_show"] == "Show the parameters of this run"


def test_tags_that_mean_nothing_to_the_book_are_gone(cells: list[dict[str, Any]]) -> None:
    assert {tag for cell in cells for tag in cell["metadata"].get("tags", [])} == {"hide-input", "remove-input"}


def test_imports_are_folded_once() -> None:
    made = page(
        notebook(markdown("# T"), code("# why\nimport a", tags=("imports",)), code("from b import c", identity="later")), NAME, {}
    )
    tags = {cell["source"]: cell["metadata"]["tags"] for cell in made["cells"] if cell["cell_type"] == "code"}
    assert tags == {"# why\nimport a": ["hide-input"], "from b import c": []}


def test_values_replace_defaults_of_any_shape() -> None:
    source = 'word: str = "é"; n: int = 1  # both\nmany: list[int] = [\n    1,\n    2,\n]  # end'
    given = notebook(code(source, tags=("parameters",)), code("n = 2\nmany = [3]\nword = 'ü'", tags=("injected-parameters",)))
    assert shown_parameters(given) == "word: str = 'ü'; n: int = 2  # both\nmany: list[int] = [3]  # end"


def test_no_path_of_the_machine_is_shown(cells: list[dict[str, Any]]) -> None:
    assert not [cell for cell in cells if "/somewhere/private" in str(cell)]


def test_the_strip_gives_the_command_that_makes_the_page_again(cells: list[dict[str, Any]]) -> None:
    assert cells[0]["source"].startswith("# Does")
    assert "$ netlens run 01_small -p seed=7\n" in cells[1]["source"]
    assert "`model`, `seed`, `lr`" in cells[1]["source"]
    assert "`netlens run 01_small --model my_model.toml`" in cells[1]["source"]


def test_the_command_quotes_what_a_shell_would_split() -> None:
    given = notebook(code('word: str = "a"', tags=("parameters",)), code("word = 'two words'", tags=("injected-parameters",)))
    assert shlex.split(Recipe.of(given, "x", {}).command()) == ["netlens", "run", "x", "-p", "word=two words"]


def test_the_audit_names_the_command_for_audits() -> None:
    strip = page(notebook(markdown("# T"), code('model: str = "m"  # or a card', tags=("parameters",))), "audit", {})["cells"][1][
        "source"
    ]
    assert "`netlens audit my_model.toml`" in strip


def test_a_notebook_that_takes_no_card_offers_none() -> None:
    strip = page(notebook(markdown("# T"), code('model: str = "m"  # cnn or mlp', tags=("parameters",))), "x", {})["cells"][1][
        "source"
    ]
    assert "my_model.toml" not in strip


def test_the_footer_says_seed_device_time_and_versions(cells: list[dict[str, Any]]) -> None:
    footer = cells[-1]["source"]
    for fact in ("Seed\n: 7", "Device\n: cpu", "Run time\n: 9 s", "Versions\n: Python 3.11.9, torch 2.9.0\n"):
        assert fact in footer


def test_hidden_outputs_stay_hidden_and_removed_ones_go() -> None:
    hidden = code("a", figure(), shown({"text/markdown": "b"}), tags=("hide-output",), identity="hidden")
    removed = code("c", figure(), tags=("remove-output",), identity="removed")
    made = page(notebook(markdown("# T"), hidden, removed), NAME, {})["cells"]
    assert [cell["metadata"]["tags"] for cell in images(made)] == [["hide-output", "remove-input"]]
    assert not [cell for cell in made if cell["cell_type"] == "markdown" and cell["source"] == "b"]


def test_a_table_has_scopes_and_one_header_row() -> None:
    table = accessible_table(TABLE)
    assert table.count("<tr>") == 2
    assert '<th scope="col">class</th><th scope="col" class="number">n</th><th scope="col">word</th>' in table
    assert '<th scope="row">0</th><td class="number">98</td><td>six</td>' in table


def test_a_table_loses_the_looks_of_pandas_and_can_be_scrolled() -> None:
    table = accessible_table(f"<style>td {{color: red}}</style>{TABLE}", "What")
    assert "style" not in table
    assert 'border="1"' not in table
    assert table.startswith('<div class="table-frame" role="region" tabindex="0" aria-label="What">')


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, dict[str, Path]]:
    return tmp_path / "book", write_book(tmp_path / "book")


def test_the_stage_holds_all_that_the_book_needs(project: tuple[Path, dict[str, Path]]) -> None:
    root, runs = project
    report = write_report(root / "_build" / "reports" / "mnist-cnn")
    stage(root, runs, root / "_build" / "stage", reports={"mnist-cnn": report})
    staged = root / "_build" / "stage"
    assert (staged / "book" / "_static" / "mathjax" / "tex-svg.js").stat().st_size > 1_000_000
    assert (staged / "notebooks" / "sources" / f"{NAME}.ipynb").read_bytes() == (
        root / "notebooks" / f"{NAME}.ipynb"
    ).read_bytes()
    reports = (staged / "book" / "reports.md").read_text()
    assert "98.1 % of 1,000 images are recognised. Of 3 checks: 2 PASS, 1 WARN." in reports
    assert '"../reports/mnist-cnn/audit.pdf"' in reports
    entries = yaml.safe_load((staged / "_toc.yml").read_text())["chapters"]
    assert {"file": "book/api/netlens.publish"} in entries[-1]["sections"]


def test_a_page_that_does_not_exist_is_named_and_the_old_stage_stays(project: tuple[Path, dict[str, Path]]) -> None:
    root, runs = project
    target = root / "_build" / "stage"
    stage(root, runs, target)
    (root / "book" / "second.md").unlink()
    with pytest.raises(UsageError, match=r"_toc\.yml lists pages that do not exist: book/second"):
        stage(root, runs, target)
    assert (target / "book" / "second.md").is_file()
    assert not list((root / "_build").glob(".tmp-*"))


def test_a_notebook_that_was_not_run_is_named(project: tuple[Path, dict[str, Path]]) -> None:
    root, _ = project
    with pytest.raises(UsageError, match=f"were not run: notebooks/{NAME}"):
        stage(root, {}, root / "_build" / "stage")


@pytest.mark.parametrize("name", ["_toc.yml", "_config.yml"])
def test_a_missing_configuration_is_named(project: tuple[Path, dict[str, Path]], name: str) -> None:
    root, runs = project
    (root / name).unlink()
    with pytest.raises(UsageError, match=f"the project has no {name}"):
        stage(root, runs, root / "_build" / "stage")


def test_a_broken_table_of_contents_is_named(project: tuple[Path, dict[str, Path]]) -> None:
    root, runs = project
    (root / "_toc.yml").write_text("root: [")
    with pytest.raises(UsageError, match=r"_toc\.yml is not YAML"):
        stage(root, runs, root / "_build" / "stage")


def test_a_picture_tells_its_width() -> None:
    made = page(notebook(markdown("# T"), code("a", shown({"image/png": png(640, 10)}))), NAME, {})["cells"]
    assert images(made)[0]["metadata"]["mystnb"]["image"] == {"width": "320px"}


def test_a_picture_that_says_how_wide_it_is_to_be_shown_is_shown_so() -> None:
    output = shown({"image/png": png(640, 10)})
    output["metadata"]["image/png"] = {"width": 300}
    made = page(notebook(markdown("# T"), code("a", output)), NAME, {})["cells"]
    assert images(made)[0]["metadata"]["mystnb"]["image"] == {"width": "300px"}


def test_a_cell_that_should_give_a_figure_and_gives_none_is_named(project: tuple[Path, dict[str, Path]]) -> None:
    root, runs = project
    bare = notebook(markdown("# T"), code("a", tags=("figure:square",)))
    runs[NAME].write_text(json.dumps(bare))
    with pytest.raises(RunError, match=f"the cell tagged 'figure:square' of notebook '{NAME}' gave no figure"):
        stage(root, runs, root / "_build" / "stage")
