"""The command line: what a user sees, and the exit codes that a program sees."""

import json
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from netlens.cli import main
from netlens.publish import doctor

CELLS = [
    {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# What is seven?"},
    {
        "cell_type": "code", "id": "b", "metadata": {"tags": ["parameters"]}, "outputs": [], "execution_count": None,
        "source": 'seed: int = 0  # any integer\ndataset: str = "mnist-5k"\ndevice: str = "auto"\nlr: float = 0.1',
    },
    {"cell_type": "code", "id": "c", "metadata": {}, "outputs": [], "execution_count": None, "source": "print('lr', lr)"},
]  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one notebook, and the current folder in it."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "_toc.yml").write_text("root: index")
    notebook = {"cells": CELLS, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for name in ("01_seven", "02_eight", "02_nine"):
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(json.dumps(notebook))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NETLENS_CACHE", raising=False)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(main, list(arguments), prog_name="netlens")


BAD_INPUT = [
    ("run zebra", "netlens run: there is no notebook 'zebra'. Known: 01_seven, 02_eight, 02_nine."),
    ("run 03_seven", "there is no notebook '03_seven'. Did you mean '01_seven'?"),
    ("run 02", "netlens run: '02' fits several notebooks: 02_eight, 02_nine. Give more of the name."),
    ("run 01 --dataset mnist5k", "there is no data set 'mnist5k'. Did you mean 'mnist-5k'?"),
    ("run 01 --device gpu", "there is no device 'gpu'."),
    ("run 01 -p lr=fast", "parameter 'lr' got 'fast'. Expected a float such as 1e-4. Its default is 0.1."),
    ("run 01 -p rate=1", "notebook '01_seven': there is no parameter 'rate'."),
    ("run 01 -p seed", "-p got 'seed'. Expected NAME=VALUE"),
    ("run 01 --model mnist-cnn", "notebook '01_seven': there is no parameter 'model'."),
    ("build -p sed=1", "netlens build: there is no parameter 'sed'. Did you mean 'seed'?"),
    ("build --only 01_sven", "netlens build: there is no notebook '01_sven'. Did you mean '01_seven'?"),
    ("build --dataset zebra", "there is no data set 'zebra'."),
    ("build --jobs 0", "Invalid value for '--jobs'"),
    ("audit", "Missing argument 'CARD...'"),
    ("audit mnist-cnn", "netlens audit: there is no notebook 'audit'."),
    ("list datsets", "'datsets' is not one of 'notebooks', 'methods', 'datasets', 'models'"),
    ("biuld", "No such command 'biuld'. Did you mean 'build'?"),
    ("build --onyl 01", "No such option '--onyl'. Did you mean"),
]


@pytest.mark.parametrize(("line", "said"), BAD_INPUT, ids=[line for line, _ in BAD_INPUT])
def test_bad_input_is_one_message_with_exit_code_2_and_nothing_runs(project, line, said):
    done = call(*line.split())
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not list(project.rglob("*/_build/runs/*"))


def test_a_device_that_is_not_there_is_refused_before_anything_runs(project, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    done = call("run", "01", "--device", "cuda")
    assert done.exit_code == 2
    assert done.stderr.startswith("netlens run: torch finds no 'cuda' device on this machine. Expected one of: auto, ")
    assert not (project / "_build").exists()


def test_outside_a_project_the_message_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("build")
    assert done.exit_code == 2
    assert "is in no netlens project" in done.stderr


def test_a_run_says_where_its_results_are(project):
    done = call("run", "01", "-p", "lr=1e-4", "--out", "results")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.split() == ["results/01_seven.ipynb", "results/01_seven.html"]
    assert "lr 0.0001" in (project / "results" / "01_seven.ipynb").read_text()
    assert "lr 0.0001" in (project / "results" / "01_seven.html").read_text()


def test_help_on_parameters_runs_nothing(project):
    done = call("run", "01", "--help-parameters")
    assert done.stdout.splitlines() == [
        "seed: int = 0              any integer",
        "dataset: str = 'mnist-5k'",
        "device: str = 'auto'",
        "lr: float = 0.1",
    ]
    assert not (project / "_build").exists()


@pytest.mark.usefixtures("project")
def test_a_list_is_for_people_or_for_programs():
    assert "01_seven" in call("list", "notebooks").stdout
    notebooks = json.loads(call("list", "notebooks", "--json").stdout)
    assert notebooks["01_seven"]["summary"] == "What is seven?"
    assert notebooks["01_seven"]["parameters"][0] == {"name": "seed", "type": "int", "default": 0, "help": "any integer"}
    assert {"mnist-5k", "mnist", "digits"} <= set(json.loads(call("list", "datasets", "--json").stdout))
    assert "mnist-cnn" in call("list", "models").stdout
    methods = json.loads(call("list", "methods", "--json").stdout)
    assert methods["grad_cam"]["summary"]


@pytest.mark.usefixtures("project")
def test_debug_shows_the_traceback():
    assert "Traceback" in call("run", "zebra", "--debug").stderr
    assert "Traceback" in call("--debug", "run", "zebra").stderr


@pytest.mark.usefixtures("project")
def test_a_file_that_may_not_be_read_is_bad_input(monkeypatch):
    from netlens.publish import deliver

    def closed(*_):
        raise PermissionError(13, "Permission denied", "secret.npz")

    monkeypatch.setattr(deliver, "run", closed)
    done = call("run", "01")
    assert done.exit_code == 2
    assert done.stderr == "netlens: 'secret.npz' may not be read or written by you. Change its permissions, or name another.\n"


@pytest.mark.usefixtures("project")
def test_a_bug_ends_in_one_message_and_code_5(monkeypatch):
    from netlens.publish import deliver

    def broken(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(deliver, "run", broken)
    done = call("run", "01")
    assert done.exit_code == 5
    assert done.stderr == "netlens broke: ZeroDivisionError: division by zero. Add --debug to see where.\n"


@pytest.mark.usefixtures("project")
def test_an_interrupt_is_one_line_and_code_130(monkeypatch):
    from netlens.publish import deliver

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(deliver, "run", interrupted)
    done = call("run", "01")
    assert done.exit_code == 130
    assert done.stderr == "interrupted; the previous site and reports are untouched\n"


def test_help_is_quick_and_imports_nothing_heavy():
    heavy = ("torch", "matplotlib", "numpy", "papermill", "nbconvert")
    program = (
        "import sys; from netlens.cli import main; import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main(['--help'])\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    times = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - start)
        assert done.stdout.strip() == "[]"
    assert min(times) < 0.4


def test_importing_netlens_imports_neither_torch_nor_matplotlib():
    program = "import sys, netlens; print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def check(there, needed):
    return doctor.Check("thing", there, "found", needed, "Mend it.")


@pytest.mark.parametrize(
    ("checks", "code", "mark"),
    [([check(True, True)], 0, "ok"), ([check(False, False)], 0, "optional"), ([check(False, True)], 5, "missing")],
)
def test_the_doctor_fails_only_when_something_needed_is_missing(monkeypatch, checks, code, mark):
    monkeypatch.setattr(doctor, "examine", lambda _: checks)
    done = call("doctor")
    assert done.exit_code == code
    assert done.stdout.startswith(mark)
    assert ("Mend it." in done.stdout) == (mark != "ok")
    assert json.loads(call("doctor", "--json").stdout)[0]["there"] == checks[0].there


@pytest.mark.slow
def test_the_doctor_looks_at_this_machine(project):
    checks = {one["name"]: one for one in json.loads(call("doctor", "--json").stdout)}
    assert checks["kernel"]["found"] == "starts and answers"
    assert checks["device"]["found"].startswith("auto means ")
    assert checks["project"]["found"] == str(project)
    assert checks["data set mnist-5k"]["there"]
    assert not checks["data set mnist"]["needed"]
