"""The build: what runs, what is published, and that nothing published is lost when something goes wrong.

The site and the PDF have tests of their own; here a stand-in for each writes one file.
"""

import errno
import json
import shutil
import signal
import subprocess
import sys
import types
from functools import partial

import lxml.html
import pytest
from test_run import ended, wait_for

from netlens.errors import OutputError, RunError, UsageError
from netlens.publish import atomic, build, report, report_files
from netlens.publish.lock import only_build

PARAMETERS = 'model: str = "mnist-cnn"\nseed: int = 0\nout: str = ""'
NUMBERS = {"report": {"title": "Audit of it", "subtitle": "on little", "facts": [["seed", "0"]], "notice": "Not a promise."}}
AUDIT = f"import json, pathlib; pathlib.Path(out, 'audit.json').write_text(json.dumps({NUMBERS!r} | {{'seed': seed}}))"


def build_site(_root, executed, html, *, reports):
    """Stand in for Jupyter Book: one page with the names of what it was built from, and all texts."""
    texts = [path.read_text() for _, path in sorted(executed.items())]
    if any("spoil the site" in text for text in texts):
        raise RunError("netlens build", "Jupyter Book gave a warning")
    html.mkdir(parents=True, exist_ok=True)
    texts += [(folder / "audit.json").read_text() for folder in reports.values()]
    (html / "index.html").write_text("\n".join([*sorted(executed), *texts]))
    return html / "index.html"


@pytest.fixture
def publishable(project, monkeypatch):
    """A project with two notebooks and an audit; nothing was built yet."""
    site, pdf = types.ModuleType("netlens.publish.site"), types.ModuleType("netlens.publish.pdf")
    site.build_site = build_site
    pdf.pdf_bytes = lambda notebook, attached: json.dumps(notebook["metadata"]["netlens"]["report"]).encode()  # noqa: ARG005 - called like the real one
    monkeypatch.setitem(sys.modules, "netlens.publish.site", site)
    monkeypatch.setitem(sys.modules, "netlens.publish.pdf", pdf)
    project.add("01_one", "seed")
    project.add("02_two", "lr")
    project.add("audit", AUDIT, parameters=PARAMETERS)
    return project


@pytest.fixture(scope="session")
def first_build(tmp_path_factory):
    """Where the first build that any test needed is kept: a key holds no path, so all projects can share it."""
    return tmp_path_factory.mktemp("first") / "_build"


@pytest.fixture
def published(publishable, first_build):
    """The same project after a build."""
    if first_build.is_dir():
        shutil.copytree(first_build, publishable.root / "_build")
    else:
        build.build(publishable.root, {})
        shutil.copytree(publishable.root / "_build", first_build)
    return publishable


def outputs(root):
    """Everything that was published, by name."""
    folders = [root / "_build" / name for name in ("html", "reports")]
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_everything_is_run_and_published(publishable):
    built = build.build(publishable.root, {})
    assert built.ran == ("01_one", "02_two", "audit")
    assert built.site == publishable.root / "_build" / "html" / "index.html"
    assert built.site.read_text().startswith("01_one\n02_two\naudit\n")
    folder = publishable.root / "_build" / "reports" / "mnist-cnn"
    assert built.reports == {"mnist-cnn": folder}
    assert sorted(path.name for path in folder.iterdir() if path.name[0] != ".") == sorted(report_files.files("audit"))
    assert json.loads((folder / "audit.json").read_text())["seed"] == 0
    assert json.loads((folder / "audit.ipynb").read_text())["metadata"]["netlens"]["report"] == NUMBERS["report"]


def test_a_second_build_changes_nothing(published):
    before = outputs(published.root)
    again = build.build(published.root, {})
    assert again.ran == ()
    assert outputs(published.root) == before
    assert build.summary(again, published.root) == [
        "every notebook was up to date", "_build/html/index.html", "_build/reports/mnist-cnn/audit.pdf",
    ]  # fmt: skip


def test_a_touched_notebook_alone_runs(published):
    published.add("02_two", "lr * 2")
    assert build.build(published.root, {}).ran == ("02_two",)


def test_a_parameter_goes_to_those_that_declare_it(published):
    published.add("02_two", "1", parameters="other: int = 1")
    assert build.build(published.root, {"seed": "1", "other": "2"}).ran == ("01_one", "02_two", "audit")
    recorded = [json.loads((run / "run.json").read_text())["parameters"] for run in published.runs("02_two")]
    assert {"other": 2} in recorded
    assert json.loads((published.root / "_build/reports/mnist-cnn/audit.json").read_text())["seed"] == 1


def test_a_parameter_that_no_notebook_declares_is_refused(published):
    with pytest.raises(UsageError, match=r"netlens build: there is no parameter 'sed'\. Did you mean 'seed'"):
        build.build(published.root, {"sed": "1"})


def test_a_project_without_notebooks_is_refused(project):
    with pytest.raises(UsageError, match="holds no notebook"):
        build.build(project.root, {})


def test_only_one_runs_and_the_site_waits_for_the_others(publishable):
    built = build.build(publishable.root, {}, only="01")
    assert (built.ran, built.waiting, built.site, built.reports) == (("01_one",), ("02_two", "audit"), None, {})
    assert outputs(publishable.root) == {}
    assert "because these changed too: 02_two, audit; run `netlens build`" in build.summary(built, publishable.root)[1]


def test_only_one_runs_and_the_site_follows_when_all_others_are_up_to_date(published):
    published.add("01_one", "'a new line'")
    built = build.build(published.root, {}, only="01_one.ipynb")
    assert (built.ran, built.waiting) == (("01_one",), ())
    assert "a new line" in built.site.read_text()


def test_only_an_unknown_notebook_is_refused_with_the_nearest(published):
    with pytest.raises(UsageError, match=r"no notebook '01_on_'\. Did you mean '01_one'"):
        build.build(published.root, {}, only="01_on_")


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("01_one", "1 / 0", "ZeroDivisionError"),
        ("01_one", "import sys; print('oh', file=sys.stderr)", "notebook '01_one', cell 3: it wrote to stderr: 'oh'"),
        ("01_one", "'spoil the site'", "Jupyter Book gave a warning"),
        ("audit", "1", r"notebook 'audit' wrote no audit\.json"),
        ("audit", "open('audit.json', 'w').write('{')", r"an audit\.json that cannot be used"),
        ("audit", "open('audit.json', 'w').write('{\"report\": {}}')", r"audit\.json gives the report no title"),
    ],
)
def test_what_was_published_stays_when_a_build_fails(published, name, source, said):
    before = outputs(published.root)
    published.add(name, source, parameters=PARAMETERS)
    with pytest.raises(RunError, match=said):
        build.build(published.root, {})
    assert outputs(published.root) == before
    assert not published.leftovers()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_was_published_stays_when_it_cannot_be_replaced(published, monkeypatch, number):
    reports = published.root / "_build" / "reports"
    before = {path: content for path, content in outputs(published.root).items() if path.is_relative_to(reports)}

    def refuse(*_):
        raise OSError(number, "refused")

    monkeypatch.setattr(atomic, "swap", refuse)
    with pytest.raises(OutputError, match=r"'.*mnist-cnn' could not be written: .*Expected a writable folder"):
        build.build(published.root, {"seed": "1"})
    assert before.items() <= outputs(published.root).items()
    assert not published.leftovers()


def test_a_swap_that_fails_half_way_puts_the_old_folder_back(tmp_path, monkeypatch):
    new, target = tmp_path / "new", tmp_path / "target"
    for folder in (new, target):
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    replace, failures = atomic.os.replace, [OSError(errno.EACCES, "refused")]

    def refuse_once(source, goal):
        if source == new and failures:
            raise failures.pop()
        replace(source, goal)

    monkeypatch.setattr(atomic.os, "replace", refuse_once)
    with pytest.raises(OSError, match="refused"):
        atomic.swap(new, target)
    assert (target / "name").read_text() == "target"


def test_leftovers_of_killed_processes_are_swept_after_a_day(tmp_path):
    for name in (".tmp-folder-1/x", ".tmp-folder-2"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "kept").mkdir()
    now = (tmp_path / ".tmp-folder-2").stat().st_mtime
    atomic.sweep(tmp_path, now + 3600)
    assert len(list(tmp_path.iterdir())) == 3
    atomic.sweep(tmp_path, now + 25 * 3600)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_second_build_ends_at_once_and_names_the_first(published):
    program = (
        "import sys; from pathlib import Path; from netlens.publish.lock import only_build\n"
        "with only_build(Path('.'), 'test'): print('held', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match=f"process {holder.pid} is building this project. Wait until it is done") as caught:
            build.build(published.root, {})
    assert caught.value.exit_code == 2
    with only_build(published.root, "test"):  # free again
        pass


def test_a_file_in_place_of_the_output_folder_is_told(published):
    shutil.rmtree(published.root / "_build")
    (published.root / "_build").write_text("")
    with pytest.raises(OutputError, match=r"'.*_build' could not be written: a file is where a folder should be"):
        build.build(published.root, {})


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_ends_its_children_and_leaves_what_was_published(published, number):
    before = outputs(published.root)
    marks = [published.root / "mark-1", published.root / "mark-2"]
    for name, mark in zip(("01_one", "02_two"), marks, strict=True):
        published.add(name, f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    command = [sys.executable, "-m", "netlens.cli", "build", "--jobs", "2"]
    # A process in the background of a shell ignores SIGINT, and so would its child.
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heeds) as process:
        kernels = [wait_for(mark, process) for mark in marks]
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted; the previous site and reports are untouched"
    assert "Traceback" not in said
    assert all(ended(kernel) for kernel in kernels)
    assert outputs(published.root) == before
    assert not published.leftovers()
    with only_build(published.root, "test"):  # the lock is free
        pass


def test_an_audit_goes_where_it_is_wanted(published, tmp_path):
    (published.root / "mine.toml").write_text('[model]\nname = "My Net, v2"\n')
    audited = report.audit(published.root, ["mnist-cnn", "mine.toml"], {"seed": "2"}, tmp_path / "out")
    assert [(one.model, one.folder) for one in audited] == [
        ("mnist-cnn", tmp_path / "out" / "mnist-cnn"), ("my-net-v2", tmp_path / "out" / "my-net-v2"),
    ]  # fmt: skip
    for one in audited:
        assert {path.name for path in one.folder.iterdir()} == {*report_files.files("audit"), report_files.STAMP}
        assert json.loads((one.folder / "audit.json").read_text())["seed"] == 2


def test_the_same_audit_again_gives_the_same_bytes(published, tmp_path):
    folders = [report.audit(published.root, ["mnist-cnn"], {}, tmp_path / name)[0].folder for name in ("a", "b")]
    first, second = ({name: (folder / name).read_bytes() for name in report_files.files("audit")} for folder in folders)
    assert first == second


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (["mnist-cnm"], r"no model 'mnist-cnm'\. Did you mean 'mnist-cnn'"),
        (["gone.toml"], r"there is no card '.*gone\.toml'"),
        (["mnist-cnn", "mnist-cnn"], "two models would be reported in the folder 'mnist-cnn'"),
        (["broken.toml"], r"the card '.*broken\.toml' is no TOML"),
    ],
)
def test_models_that_cannot_be_audited_are_refused_before_anything_runs(publishable, models, said):
    (publishable.root / "broken.toml").write_text("[model")
    with pytest.raises(UsageError, match=said):
        report.audit(publishable.root, models, {})
    assert publishable.runs("audit") == []


def test_a_report_never_replaces_a_folder_of_other_things(published, tmp_path):
    precious = tmp_path / "mnist-cnn" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of work")
    with pytest.raises(OutputError, match=r"holds something else than a report: thesis\.txt\. Choose another folder with --out"):
        report.audit(published.root, ["mnist-cnn"], {}, tmp_path)
    assert precious.read_text() == "years of work"


def test_a_page_needs_nothing_but_itself():
    from netlens.publish.report_page import page

    figure = {"image/png": "aGVs\nbG8=", "image/svg+xml": "<svg/>", "text/plain": "x"}
    facts = {"netlens": {"alt": 'A "curve" & more', "caption": "It *falls*, $x^2$."}}
    table = {"text/html": ["<style scoped>td {}</style>", "<table><tr><td>0.5</td></tr></table>"], "text/plain": "0.5"}
    outputs = [
        {"output_type": "display_data", "data": figure, "metadata": facts},
        {"output_type": "display_data", "data": table, "metadata": {"netlens": {"caption": "Numbers"}}},
        {"output_type": "stream", "name": "stderr", "text": "a warning"},
    ]
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Title of the notebook\n", "Text & $y$"]},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": "secret = 1", "outputs": outputs, "execution_count": 1},
    ]
    notebook = {"cells": cells, "metadata": {"netlens": {"report": NUMBERS["report"]}}, "nbformat": 4, "nbformat_minor": 5}
    html = page(notebook)
    assert html.count("<h1>") == 1
    assert "<h1>Audit of it</h1>" in html
    assert "Not a promise." in html
    (image,) = lxml.html.fromstring(html).iter("img")
    assert (image.get("src"), image.get("alt")) == ("data:image/png;base64,aGVsbG8=", 'A "curve" & more')
    assert "<em>falls</em>" in html
    assert html.count("<math") == 2
    assert "<td>0.5</td>" in html
    for absent in ("secret", "a warning", "<script", "scoped", "Title of the notebook", 'src="http', 'href="http', "url("):
        assert absent not in html
    assert "secret" in page(notebook, code=True)
