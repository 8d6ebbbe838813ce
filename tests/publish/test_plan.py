"""The key of a run: equal when nothing that matters changed, different when anything did."""

import subprocess
import sys

import pytest

from netlens.errors import UsageError
from netlens.publish import accelerator, fingerprints
from netlens.publish.plan import plan

MODEL = 'model: str = "mnist-cnn"\ndataset: str = "mnist-5k"\ndata_root: str = ""\ndevice: str = "auto"\nout: str = ""'


def key(project, path, **given):
    return plan(project.root, path, given, "test").key


def test_the_same_gives_the_same_key(project):
    path = project.add("one", "1")
    assert key(project, path) == key(project, path)
    assert key(project, path, lr="0.001") == key(project, path), "a value equal to the default changes nothing"


def test_source_name_and_parameters_are_in_the_key(project):
    path, other = project.add("one", "1"), project.add("two", "1")
    before = key(project, path)
    assert len({before, key(project, other), key(project, path, seed="1"), key(project, path, lr="1e-4")}) == 4
    project.add("one", "2")
    assert key(project, path) != before


@pytest.mark.parametrize("part", ["package", "environment"])
def test_sources_and_versions_are_in_the_key(project, monkeypatch, part):
    path = project.add("one", "1")
    before = key(project, path)
    monkeypatch.setattr(fingerprints, part, lambda **_: "changed")
    assert key(project, path) != before


def test_the_device_is_in_the_key(project, monkeypatch):
    path = project.add("one", "1", parameters='device: str = "auto"')
    before = key(project, path)
    monkeypatch.setattr(accelerator, "kind", lambda *_: "cuda")
    assert key(project, path) != before


def test_the_package_hash_leaves_out_what_only_publishes(tmp_path, monkeypatch):
    (tmp_path / "publish").mkdir()
    monkeypatch.setattr(fingerprints, "PACKAGE", tmp_path)
    digests = []
    for name in ("training.py", "publish/site.py", "publish/execute.py"):
        fingerprints.package.cache_clear()
        before = fingerprints.package(everything=False)
        (tmp_path / name).write_text("x = 1")
        fingerprints.package.cache_clear()
        digests.append(fingerprints.package(everything=False) != before)
    fingerprints.package.cache_clear()
    assert digests == [True, False, True]


def test_a_card_and_all_that_it_names_are_in_the_key(project):
    path = project.add("one", parameters=MODEL)
    card = project.root / "cards" / "mine.toml"
    (card.parent / "images" / "zero").mkdir(parents=True)
    named = ["net.py", "layers.py", "net.safetensors", "images/zero/1.png"]
    files = [card, *(card.parent / name for name in named)]
    for file in files:
        file.write_text("")
    card.write_text('[model]\nfactory = "net.py:make"\nweights = "net.safetensors"\n[data]\nsource = "folder:images"\n')
    seen = {key(project, path, model="cards/mine.toml")}
    for file in files:
        file.write_text(file.read_text() + "# changed\n")
        seen.add(key(project, path, model="cards/mine.toml"))
    (card.parent / "images/zero/1.png").rename(card.parent / "images/zero/2.png")
    seen.add(key(project, path, model="cards/mine.toml"))
    assert len(seen) == len(files) + 2


def test_paths_count_from_the_current_folder(project):
    path = project.add("one", parameters=MODEL)
    (project.root / "mine.toml").write_text("")
    made = plan(project.root, path, {"model": "mine.toml", "data_root": "data"}, "test")
    assert made.parameters == {"model": str(project.root / "mine.toml"), "data_root": str(project.root / "data"), "out": "."}


def test_data_that_the_run_downloads_does_not_make_it_run_again(project):
    path = project.add("one", parameters=MODEL)
    given = {"dataset": "mnist", "data_root": "data"}
    before = plan(project.root, path, given, "test")
    raw = project.root / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(b"1")
    assert before.refreshed().key == plan(project.root, path, given, "test").key != before.key
    (raw / "train-images-idx3-ubyte").write_bytes(b"2")
    assert before.refreshed().key == plan(project.root, path, given, "test").key


def test_what_a_card_reaches_in_other_ways_is_in_the_key(project):
    path = project.add("one", parameters=MODEL)
    card = project.root / "cards" / "mine.toml"
    (card.parent / "parts").mkdir(parents=True)
    files = {
        "parts/__init__.py": "",
        "parts/net.py": "def make(): ...",
        "list.csv": "image,label\nparts/a b.png,cat\n",
        "parts/a b.png": "pixels",
        "../far.pth": "weights",
    }
    for name, content in files.items():
        (card.parent / name).write_text(content)
    card.write_text(
        'outside = true\n[model]\nfactory = "parts.net:make"\nweights = "../far.pth"\n[data]\nsource = "csv:list.csv"\n'
        '[declared]\npurpose = ".."\n'
    )
    seen = {key(project, path, model="cards/mine.toml")}
    for name in files:
        (card.parent / name).write_text("changed " + files[name])
        seen.add(key(project, path, model="cards/mine.toml"))
    assert len(seen) == 1 + len(files)
    (project.root / "elsewhere").write_text("no part of it")
    assert key(project, path, model="cards/mine.toml") in seen


def test_the_files_of_a_card_that_a_windows_editor_saved_are_in_the_key(project):
    path = project.add("one", parameters=MODEL)
    (project.root / "net.pth").write_text("weights")
    (project.root / "a.png").write_text("pixels")
    (project.root / "list.jsonl").write_text('{"image": "a.png", "label": "cat"}\n')
    card = '[model]\r\nweights = "net.pth"\r\n[data]\r\nsource = "jsonl:list.jsonl"\r\n'
    (project.root / "mine.toml").write_bytes(b"\xef\xbb\xbf" + card.encode())
    seen = {key(project, path, model="mine.toml")}
    for name in ("net.pth", "a.png"):
        (project.root / name).write_text("others")
        seen.add(key(project, path, model="mine.toml"))
    assert len(seen) == 3


def test_the_data_set_that_a_card_names_is_in_the_key(project):
    path = project.add("one", parameters=MODEL)
    (project.root / "mine.toml").write_text('[data]\nsource = "mnist"\n')
    given = {"model": "mine.toml", "data_root": "data"}
    before = key(project, path, **given)
    raw = project.root / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(b"1")
    assert key(project, path, **given) != before


def test_data_that_changes_during_a_run_is_not_taken_for_the_data_that_was_read(project):
    path = project.add("one", parameters=MODEL)
    given = {"dataset": "mnist", "data_root": "data"}
    file = project.root / "data" / "MNIST" / "raw" / "train-images-idx3-ubyte"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"1")
    before = plan(project.root, path, given, "test")
    file.write_bytes(b"2")
    assert before.refreshed().key == before.key != plan(project.root, path, given, "test").key


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"dataset": "mnist5k"}, r"there is no data set 'mnist5k'\. Did you mean 'mnist-5k'\? Known: mnist-5k, mnist, digits"),
        ({"model": "mnist-cn"}, r"there is no model 'mnist-cn'\. Did you mean 'mnist-cnn'\?"),
        ({"model": "mime.toml"}, r"there is no card '.*mime\.toml'\. Did you mean '.*mine\.toml'"),
        ({"device": "gpu"}, r"there is no device 'gpu'\..* Known: auto, cpu, cuda, mps"),
        ({"seed": "-1"}, r"parameter 'seed' got -1\. Expected an integer from 0 to 4294967295"),
        ({"sed": "1"}, r"no parameter 'sed'\. Did you mean 'seed'"),
    ],
)
def test_names_that_do_not_exist_are_refused_before_anything_runs(project, given, problem):
    (project.root / "mine.toml").write_text("")
    path = project.add("one", parameters=MODEL + "\nseed: int = 0")
    with pytest.raises(UsageError, match=problem):
        plan(project.root, path, given, "test")


def test_auto_is_the_cpu_without_asking_torch_where_nothing_speaks_of_an_accelerator(monkeypatch):
    monkeypatch.setattr(accelerator, "possible", lambda: False)
    monkeypatch.setitem(sys.modules, "torch", None)  # an import would fail
    assert accelerator.kind("auto") == accelerator.kind("cpu") == "cpu"


def test_torch_is_asked_where_an_accelerator_may_be(monkeypatch):
    from netlens import devices

    monkeypatch.setattr(accelerator, "possible", lambda: True)
    monkeypatch.setattr(devices, "choose", lambda device, _operation: f"asked for {device}")
    assert accelerator.kind("auto") == "asked for auto"


def test_planning_imports_neither_torch_nor_papermill(project):
    path = project.add("one", parameters=MODEL)
    program = (
        "import sys; from pathlib import Path; from netlens.publish import accelerator; accelerator.SIGNS = ();"
        f"from netlens.publish.plan import plan; plan(Path('.'), Path({str(path)!r}), {{}}, 't').key;"
        "print([name for name in ('torch', 'matplotlib', 'papermill', 'nbconvert') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
