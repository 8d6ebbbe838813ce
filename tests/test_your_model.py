"""The page on models of one's own: its code runs, its cards load, and its messages are the real ones."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import netlens
from netlens.card import parse_card, read_card
from netlens.data import of_card
from netlens.errors import NetlensError
from netlens.models import load_model
from netlens.publish.card_check import check

ROOT = Path(netlens.__file__).parent.parent
PAGE = (ROOT / "book" / "your-model.md").read_text(encoding="utf-8")
SHARED = ROOT.parent / "shared"
CODE, IN_MEMORY = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
CARDS = re.findall(r"^```toml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
WORKED = CARDS[0]
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def resnet() -> torch.nn.Module:
    """The network of the page, with random weights."""
    scope: dict[str, Callable[[], torch.nn.Module]] = {}
    exec(CODE, scope)
    torch.manual_seed(0)
    return scope["resnet20"]().eval()


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """What the page says that a user has: code, the network in every form, pictures."""
    home = tmp_path_factory.mktemp("user")
    net, rows = resnet(), torch.rand(2, 3, 32, 32)
    (home / "resnet.py").write_text(CODE)
    torch.save({"state_dict": {f"module.{name}": one for name, one in net.state_dict().items()}}, home / "resnet20.th")
    save_file(net.state_dict(), home / "resnet20.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # TorchScript is deprecated, and still in use
        torch.jit.trace(net, rows).save(home / "resnet20.pt")
    any_size = ({0: torch.export.Dim("rows")},)
    torch.export.save(torch.export.export(net, (rows,), dynamic_shapes=any_size), home / "resnet20.pt2")
    draw = np.random.default_rng(0)
    for name in CLASSES:
        (home / "images" / name).mkdir(parents=True)
        for place in range(2):
            pixels = draw.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(home / "images" / name / f"{place}.png")
    return home


@pytest.mark.parametrize("text", CARDS, ids=[re.search(r'name = "(.*)"', text)[1] for text in CARDS])
def test_every_card_of_the_page_is_valid(text, tmp_path):
    parse_card(text, tmp_path / "card.toml")


@pytest.mark.parametrize(
    "text", [text for text in CARDS if "huggingface" not in text], ids=lambda text: re.search(r'name = "(.*)"', text)[1]
)
def test_the_cards_of_the_page_run(user, text):
    (user / "card.toml").write_text(text)
    model = load_model(read_card(user / "card.toml"))
    assert model.classes == tuple(CLASSES)
    batch = of_card(model.card).take(3)
    if "torchvision" not in text and "mean" not in text:
        torch.testing.assert_close(model.logits(batch.inputs), resnet()(batch.inputs).detach(), atol=1e-5, rtol=1e-4)


def test_the_object_in_a_notebook_is_explained():
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    scope = {"net": net, "inputs": torch.rand(2, 3, 2, 2)}
    exec(IN_MEMORY, scope)
    assert scope["attribution"].complete.all()


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the CIFAR-10 ResNet-20 and its pictures in ../shared")
def test_the_worked_example_reads_eight_pictures_of_ten(tmp_path):
    (tmp_path / "resnet.py").write_text(CODE)
    text = WORKED.replace("resnet20.th", str(SHARED / "models" / "cifar10-resnet20.th"))
    text = "outside = true\n" + text.replace("folder:images", f"folder:{SHARED / 'data' / 'cifar10-jpeg'}")
    (tmp_path / "cifar.toml").write_text(text)
    found = check(tmp_path / "cifar.toml", samples=300)
    assert 0.74 < found.accuracy.value < 0.86
    assert (found.parameters, found.input_shape, found.classes, found.warnings) == (269722, (3, 32, 32), tuple(CLASSES), ())
    assert {found.refusals[name] for name in ("grad_cam", "integrated_gradients", "deep_lift", "lrp", "deep_shap")} == {""}
    (tmp_path / "raw.toml").write_text(text.replace("mean =", "# mean =").replace("std =", "# std ="))
    raw = check(tmp_path / "raw.toml")
    assert raw.better is not None
    assert "normalisation of" in raw.better.what
    assert raw.better.accuracy > raw.accuracy.value + 0.2


class Payload:
    """What a hostile checkpoint holds: loading it would write a file."""

    def __reduce__(self):
        return open, ("ran", "w")


def weights(content: object) -> Callable[[Path], str]:
    """A card whose weights are this: bytes, or something to save."""

    def made(home: Path) -> str:
        if isinstance(content, bytes):
            (home / "w.pth").write_bytes(content)
        else:
            torch.save(content, home / "w.pth")
        return factory("resnet.py:resnet20", "w.pth")

    return made


def factory(spec: str, file: str = "resnet20.th", more: str = "") -> str:
    return f'[model]\nname = "m"\nfactory = "{spec}"\nweights = "{file}"\n{more}[data]\nsource = "folder:images"\n'


def python(code: str) -> Callable[[Path], str]:
    """A card whose factory is `make` in this code."""

    def made(home: Path) -> str:
        (home / "own.py").write_text(code)
        return factory("own.py:make")

    return made


def bomb(home: Path) -> str:
    with zipfile.ZipFile(home / "w.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", bytes(1 << 26))
    return factory("resnet.py:resnet20", "w.pth")


def truncated(home: Path) -> str:
    (home / "w.pth").write_bytes((home / "resnet20.th").read_bytes()[:100_000])
    return factory("resnet.py:resnet20", "w.pth")


def trained_program(home: Path) -> str:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(), torch.nn.Linear(3072, 10)).train()
    torch.export.save(torch.export.export(net, (torch.rand(2, 3, 32, 32),)), home / "w.pt2")
    return '[model]\nname = "m"\nexported = "w.pt2"\n[data]\nsource = "folder:images"\n'


def given(text: str) -> Callable[[Path], str]:
    return lambda _home: text


FORM = '[model]\nname = "m"\n{}\n[data]\nsource = "folder:images"\n'
MISTAKES: dict[str, Callable[[Path], str]] = {
    "a card that is no TOML": given("[model"),
    "a misspelt key": given(factory("resnet.py:resnet20").replace("weights", "weigths")),
    "a key without a value of its kind": given(factory("resnet.py:resnet20", more="unpickle = 1\n")),
    "no network": given('[model]\nname = "m"\n[data]\nsource = "folder:images"\n'),
    "two networks": given(factory("resnet.py:resnet20", more='timm = "resnet18"\n')),
    "a path out of the folder": given(factory("resnet.py:resnet20", "../resnet20.th")),
    "no such file": given(factory("resnet.py:resnet20", "resnet.th")),
    "an empty file": weights(b""),
    "a truncated checkpoint": truncated,
    "a web page saved as weights": weights(b"<!DOCTYPE html><html>404</html>"),
    "a pointer in place of the file": weights(b"version https://git-lfs.github.com/spec/v1\n"),
    "a checkpoint with code in it": weights({"state_dict": {}, "extra": Payload()}),
    "a pickle that is no checkpoint": weights(pickle.dumps({"a": 1})),
    "a pickled network": weights(torch.nn.Linear(2, 2)),
    "a zip bomb": bomb,
    "no weights in it": weights({"epoch": 3}),
    "weights of another network": weights({"fc.weight": torch.zeros(2, 2)}),
    "weights of another size": given(factory("resnet.py:resnet20", more="arguments = { classes = 7 }\n")),
    "TorchScript as weights": given(factory("resnet.py:resnet20", "resnet20.pt")),
    "weights as TorchScript": given(FORM.format('torchscript = "resnet20.th"')),
    "weights as a program": given(FORM.format('exported = "resnet20.th"')),
    "a program in training mode": trained_program,
    "no such factory": given(factory("resnet.py:resnet")),
    "a factory in no file": given(factory("resnets.py:resnet20")),
    "a factory that raises": python("def make(): raise RuntimeError('no such thing')"),
    "a factory that returns no network": python("def make(): return 3"),
    "a factory that wants arguments": python("def make(classes): ..."),
    "another number of classes": given(factory("resnet.py:resnet20").replace('images"\n', f'images"\nclasses = {[*CLASSES, "yak"]}\n').replace("'", '"')),
    "inputs of another size": python("from torch import nn\nfrom resnet import ResNet20\nclass Net(ResNet20):\n    def forward(self, x): return super().forward(x.view(-1, 3, 64, 64))\ndef make(): return Net(10)"),
    "a network that needs a GPU": python("from resnet import ResNet20\nclass Net(ResNet20):\n    def forward(self, x): raise RuntimeError('Expected a CUDA tensor')\ndef make(): return Net(10)"),
    "an unknown name": given(FORM.format('torchvision = "resnet19"')),
    "other weights than those of the card": given(factory("resnet.py:resnet20", more=f'fingerprint = "{"0" * 64}"\n')),
    "a misspelt source": given(factory("resnet.py:resnet20").replace("folder:images", "folder:image")),
    "a class that has no folder of its name": given(factory("resnet.py:resnet20").replace('images"\n', 'images"\nclasses = ["plane", "car"]\n')),
}  # fmt: skip


def message(home: Path, mistake: str) -> str:
    """What netlens says of a mistake, without what differs from machine to machine."""
    (home / "card.toml").write_text(MISTAKES[mistake](home))
    with pytest.raises(NetlensError) as caught:
        load_model(read_card(home / "card.toml"))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    said = re.sub(r"its [\d,]+ bytes", "its 65,350 bytes", str(caught.value))  # as zlib of this machine packs them
    said = re.sub(r"have fingerprint \w{12}", "have fingerprint 1edc8a2e7490", said)
    return said.replace(f"{home}/", "")


@pytest.fixture(scope="module")
def rows(user, tmp_path_factory):
    """The rows of the page's table, as they should be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        return {mistake: f"| {mistake} | {escaped(message(user, mistake))} |" for mistake in MISTAKES}


def escaped(text: str) -> str:
    """A message as it stands in a cell of Markdown; what is code in it stays as it is."""
    parts = text.split("`")
    return "`".join(part if place % 2 else re.sub(r"([|\\<>*_\[\]{}$])", r"\\\1", part) for place, part in enumerate(parts))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_page_says_what_netlens_says(rows, mistake):
    assert rows[mistake] in PAGE.splitlines()


def test_the_table_names_no_other_mistakes(rows):
    table = PAGE.partition("| Mistake |")[2].splitlines()[2:]
    assert [line.split(" | ")[0] for line in table if line.startswith("| ")] == [row.split(" | ")[0] for row in rows.values()]


def test_nothing_of_a_hostile_file_ran(rows):
    assert rows
    assert not list(Path().glob("**/ran"))
