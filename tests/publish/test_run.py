"""Runs: what is stored, what is kept of a failure, what is noticed."""

import errno
import json
import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from netlens.errors import DataError, NetlensError, OutputError, RunError
from netlens.publish import execute as one
from netlens.publish import run, stored
from netlens.publish.plan import plan
from netlens.publish.progress import progress


def execute(project, *paths, jobs=None, **given):
    plans = [plan(project.root, path, given, "netlens run") for path in paths]
    return [done.folder for done in run.run_all(plans, "netlens run", jobs)]


def printed(folder):
    """All that the cells of a stored run wrote to stdout."""
    cells = json.loads((folder / "notebook.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", []) if output["output_type"] == "stream"]
    return "".join("".join(output["text"]) for output in outputs)


def test_parameters_arrive_with_their_types(project):
    (folder,) = execute(project, project.add("one", "print(repr(seed), repr(lr), repr(word))"), lr="1e-4", word="7")
    assert printed(folder) == "0 0.0001 '7'\n"
    assert json.loads((folder / "run.json").read_text())["parameters"] == {"lr": 0.0001, "word": "7"}


def test_the_same_run_again_executes_nothing_and_a_touched_notebook_alone_runs(project, capsys):
    one, two = project.add("one", "1"), project.add("two", "2")
    first = execute(project, one, two)
    assert "one: done" in capsys.readouterr().err
    assert execute(project, one, two) == first
    assert capsys.readouterr().err == ""
    two = project.add("two", "2 + 2")
    again = execute(project, one, two)
    assert again[0] == first[0]
    assert again[1] != first[1]
    assert "one:" not in capsys.readouterr().err


def test_equal_inputs_give_equal_bytes(project):
    path = project.add("one", "print(hash('a'))", "import time; time.sleep(0.01); object.__name__", "{1, 2, 'b', 'a'}")
    copies = []
    for _ in range(2):
        (folder,) = execute(project, path, seed="1")
        copies.append((folder / "notebook.ipynb").read_bytes())
        (folder / "run.json").unlink()  # so that it runs again
    assert copies[0] == copies[1]
    assert b"papermill" not in copies[0]
    assert b"seed = 1" in copies[0]


def test_a_run_happens_in_a_folder_of_its_own_and_keeps_what_it_writes(project):
    (folder,) = execute(project, project.add("one", "open('numbers.json', 'w').write('{}')"))
    assert (folder / "numbers.json").read_text() == "{}"
    assert sorted(json.loads((folder / "run.json").read_text())["files"]) == ["notebook.ipynb", "numbers.json"]
    assert not project.leftovers()


def test_the_kernel_is_this_interpreter_whatever_is_registered(project, monkeypatch):
    spec = project.root / "share" / "kernels" / "python3"
    spec.mkdir(parents=True)
    spec.joinpath("kernel.json").write_text(json.dumps({"argv": ["/bin/false"], "display_name": "x", "language": "python"}))
    startup = project.root / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("print('from the startup file')")
    monkeypatch.setenv("JUPYTER_PATH", str(project.root / "share"))
    monkeypatch.setenv("IPYTHONDIR", str(project.root / "ipython"))
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    (folder,) = execute(project, project.add("one", "import sys; print(sys.executable)"))
    assert printed(folder) == f"{sys.executable}\n"


def test_the_environment_of_a_run_is_fixed(project, shared_cache):
    names = ["NETLENS_CACHE", "PYTHONHASHSEED", "MPLBACKEND", "OMP_NUM_THREADS"]
    (folder,) = execute(project, project.add("one", f"import os; print([os.environ[name] for name in {names}])"))
    from netlens.publish.environment import threads

    assert printed(folder) == f"{[str(shared_cache), '0', 'agg', str(threads())]}\n"


def test_braces_in_a_path_are_no_parameters(project):
    braced = type(project)(project.root / "{seed}")
    (braced.root / "notebooks").mkdir(parents=True)
    assert execute(braced, braced.add("one", "1"))[0].is_relative_to(braced.root)


def test_a_failing_cell_is_named_and_the_copy_marks_it(project):
    path = project.add("one", "1", "# a comment\nratio = 1 / 0")
    with pytest.raises(RunError) as caught:
        execute(project, path, seed="1")
    kept = project.root / "_build" / "runs" / "one" / "failed.ipynb"
    assert str(caught.value) == (
        "netlens run: notebook 'one' stopped at cell 4 (ratio = 1 / 0): ZeroDivisionError: division by zero."
        f" The copy with the failing cell marked is '{kept}'."
    )
    cells = json.loads(kept.read_text())["cells"]
    marks = [index for index, cell in enumerate(cells) if 'id="papermill-error-cell"' in "".join(cell["source"])]
    assert "ratio = 1 / 0" in "".join(cells[marks[0] + 1]["source"])
    assert project.runs("one") == []
    assert not project.leftovers()


def test_the_kept_failure_goes_once_the_notebook_runs(project):
    with pytest.raises(RunError, match="stopped at cell 3"):
        execute(project, project.add("one", "1 / 0"))
    execute(project, project.add("one", "1"))
    assert not (project.root / "_build" / "runs" / "one" / "failed.ipynb").exists()


def test_bad_input_found_in_a_cell_keeps_its_kind_and_its_words(project):
    source = "from netlens.errors import DataError\nraise DataError('data set', 'gone: x', expected='y: z', remedy='Use w')"
    with pytest.raises(DataError) as caught:
        execute(project, project.add("one", source))
    assert str(caught.value) == "data set: gone: x. Expected y: z. Use w"
    assert caught.value.exit_code == 2
    assert "notebook 'one' stopped at cell 3" in caught.value.__notes__[0]


def test_an_error_that_is_no_bad_input_ends_in_code_5(project):
    source = "from netlens.errors import RunError\nraise RunError('x', 'y')"
    with pytest.raises(NetlensError, match="RunError: x: y") as caught:
        execute(project, project.add("one", source))
    assert caught.value.exit_code == 5


def test_every_failure_is_told_and_those_that_ran_are_stored(project):
    paths = [project.add("bad", "1 / 0"), project.add("good", "1"), project.add("worse", "[][0]")]
    with pytest.raises(RunError, match="'bad' stopped") as caught:
        execute(project, *paths, jobs=3)
    assert "IndexError" in caught.value.__notes__[0]
    assert len(project.runs("good")) == 1


def test_a_dead_kernel_is_told(project):
    with pytest.raises(RunError, match=r"the kernel of notebook 'one' died\. Often memory was full"):
        execute(project, project.add("one", "import os; os._exit(1)"))
    assert not project.leftovers()


def test_a_worker_that_cannot_start_is_told(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(project.root))
    (project.root / "papermill.py").write_text("raise ImportError('no papermill here')")
    with pytest.raises(RunError, match="the process that ran notebook 'one' broke: ImportError: no papermill here"):
        execute(project, project.add("one", "1"))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "run.json").write_text('{"files": {"noteb'), "run.json cannot be read"),
        (lambda folder: (folder / "run.json").write_text("[]"), "run.json cannot be read"),
        (lambda folder: (folder / "run.json").unlink(), "run.json is missing"),
        (lambda folder: (folder / "notebook.ipynb").unlink(), "notebook.ipynb is missing"),
        (lambda folder: (folder / "notebook.ipynb").write_text("{"), "notebook.ipynb has changed"),
        (lambda folder: (folder / "extra.txt").write_text(""), "extra.txt has changed"),
    ],
)
def test_a_damaged_stored_run_is_noticed(project, damage, said):
    (folder,) = execute_cheaply(project)
    assert stored.damage(folder) == ""
    damage(folder)
    assert stored.damage(folder) == said


def execute_cheaply(project):
    """A stored run, without running anything."""
    made = plan(project.root, project.add("one", "1"), {}, "test")
    made.folder.mkdir(parents=True)
    (made.folder / "notebook.ipynb").write_text("{}")
    (made.folder / "extra.txt").write_text("x")
    stored.record(made, made.folder, 1.0)
    return [made.folder]


def test_a_damaged_stored_run_runs_again_and_a_line_says_so(project, capsys):
    path = project.add("one", "print(1)")
    (folder,) = execute(project, path)
    (folder / "run.json").write_text("{")
    capsys.readouterr()
    assert execute(project, path) == [folder]
    assert "one: the stored run is damaged (run.json cannot be read); it runs again" in capsys.readouterr().err
    assert stored.damage(folder) == ""


def test_only_the_latest_runs_are_kept(project):
    made = plan(project.root, project.add("one", "1"), {}, "test")
    for number in range(6):
        folder = made.runs / f"old-{number}"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")
        os.utime(folder / "run.json", (number, number))
    execute_cheaply(project)
    stored.prune([made])
    assert [folder.name for folder in project.runs("one")] == sorted([made.key, "old-3", "old-4", "old-5"])


def test_many_runs_of_one_notebook_are_all_there_in_the_end(project):
    plans = [plan(project.root, project.add("one", "print(seed)"), {"seed": str(seed)}, "test") for seed in range(7)]
    done = run.run_all(plans, "netlens run")
    assert len({one.folder for one in done}) == 7
    assert [stored.damage(one.folder) for one in done] == [""] * 7
    (last,) = run.run_all([plan(project.root, project.add("one", "print(seed)"), {"seed": "9"}, "test")], "netlens run")
    assert last.folder.name in [folder.name for folder in project.runs("one")]
    assert len(project.runs("one")) == stored.KEPT_RUNS


def test_a_full_disk_ends_in_one_error_and_leaves_nothing(project, monkeypatch):
    path = project.add("one", "1")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(one, "swap", full)
    with pytest.raises(OutputError, match=r"netlens run: '.*' could not be written: the disk is full.* Free some space"):
        execute(project, path)
    assert project.runs("one") == []
    assert not project.leftovers()


def test_a_disk_that_is_full_for_the_worker_is_told(project):
    from netlens.publish.failure import of_process

    made = plan(project.root, project.add("one", "1"), {}, "test")
    refused = {"number": errno.ENOSPC, "path": "/there/notebook.ipynb", "text": "OSError"}
    assert "'/there/notebook.ipynb' could not be written: the disk is full" in str(
        of_process({"refused": refused}, made, "", "x")
    )


def test_a_file_in_place_of_the_output_folder_is_told(project):
    (project.root / "_build").write_text("not a folder")
    with pytest.raises(OutputError, match=r"a file is where a folder should be\. Expected a writable folder\. Move that"):
        execute(project, project.add("one", "1"))


def test_a_terminal_shows_a_bar_and_a_file_gets_lines(monkeypatch, capsys):
    for terminal, kind in ((True, "Bar"), (False, "Lines")):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        show = progress(2)
        assert type(show).__name__ == kind
        show.started("one", 2)
        show.cell("one")
        show.ended("one", 1.5)
        show.close()
    said = capsys.readouterr().err
    assert "1/2" in said
    assert "one: 1.5 s" in said
    assert said.endswith("one: running, 2 cells\none: done in 1.5 s\n")


def test_an_interrupt_ends_kernel_and_worker_and_leaves_nothing(project):
    mark = project.root / "started"
    project.add("one", f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    command = [sys.executable, "-m", "netlens.cli", "run", "one"]
    # A process in the background of a shell ignores SIGINT, and so would its child.
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heeds)
    kernel = wait_for(mark, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted; the previous site and reports are untouched"
    assert "Traceback" not in said
    assert not project.leftovers()
    assert ended(kernel)


def wait_for(mark, process, seconds=60.0):
    """Wait until a notebook has written its process number into `mark`."""
    import time

    end = time.monotonic() + seconds
    while not (mark.is_file() and mark.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the notebook did not start"
        time.sleep(0.05)
    return int(mark.read_text())


def ended(number, seconds=5.0):
    """Whether a process is gone, or goes within some seconds."""
    import time

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
