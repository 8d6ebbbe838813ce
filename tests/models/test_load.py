"""Models from cards: weights are data, and each way of not fitting is told."""

import argparse
import pickle
import sys
import zipfile

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from netlens.card import read_card
from netlens.errors import DataError, ModelError
from netlens.models.factory import build, importable
from netlens.models.load import find_callable, load_model, read_weights
from netlens.models.model import weights_fingerprint
from netlens.models.weights import fill

NET = """
from torch import nn

def make(wide=4):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, wide), nn.ReLU(), nn.Linear(wide, 10))

def number(): return 3
def ended(): raise SystemExit(2)
network = make()
def demanding(size): return make(size)
def broken(): raise RuntimeError("no such thing")
_private = make
"""
CARD = """
[model]
name = "mine"
factory = "{factory}"
weights = "{weights}"
fingerprint = "{fingerprint}"
[model.arguments]
{arguments}
[data]
source = "{source}"
{data}
"""


def make(wide=4):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, wide), nn.ReLU(), nn.Linear(wide, 10))


@pytest.fixture
def net():
    return make()


@pytest.fixture
def card(tmp_path, net):
    """Write a card with weights beside it; changes by name."""
    (tmp_path / "net.py").write_text(NET)
    save_file(net.state_dict(), tmp_path / "w.safetensors")

    def written(**changes):
        usual = {
            "factory": "net.py:make",
            "weights": "w.safetensors",
            "fingerprint": "",
            "arguments": "",
            "source": "digits",
            "data": "",
        }
        (tmp_path / "mine.toml").write_text(CARD.format(**usual | changes))
        return read_card(tmp_path / "mine.toml")

    return written


def test_a_card_gives_the_network_with_its_weights_in_evaluation_mode(card, net):
    model = load_model(card(fingerprint=weights_fingerprint(net)))
    inputs = torch.randn(3, 1, 8, 8)
    assert torch.equal(model.net(inputs), net(inputs))
    assert not any(module.training for module in model.net.modules())
    assert (model.name, model.classes) == ("mine", tuple("0123456789"))
    assert model.preprocess.mean == (0.3054,)
    assert model.card.data.source == "digits"


def test_a_card_may_say_classes_mean_and_spread(card):
    model = load_model(card(data=f"classes = {list('abcdefghij')}\nmean = [0.5]\nstd = [0.25]"))
    assert model.classes == tuple("abcdefghij")
    assert (model.preprocess.mean, model.preprocess.std) == ((0.5,), (0.25,))


def test_a_factory_may_lie_in_a_package(card, tmp_path):
    conv = nn.Conv2d(1, 10, 8)
    save_file(conv.state_dict(), tmp_path / "conv.safetensors")
    arguments = "in_channels = 1\nout_channels = 10\nkernel_size = [8, 8]"
    model = load_model(card(factory="torch.nn:Conv2d", arguments=arguments, weights="conv.safetensors"))
    inputs = torch.rand(3, 1, 8, 8)
    assert torch.equal(model.logits(inputs), conv(inputs).flatten(1))


def test_a_factory_imports_what_lies_beside_the_card_and_two_cards_do_not_mix(card, tmp_path):
    (tmp_path / "layers.py").write_text("from torch import nn\ndef last(wide): return nn.Linear(wide, 10)")
    (tmp_path / "net.py").write_text(
        NET.replace("from torch", "from layers import last\nfrom torch").replace("nn.Linear(wide, 10)", "last(wide)")
    )
    before = list(sys.path)
    assert load_model(card()).net[3].out_features == 10
    assert sys.path == before
    assert "layers" not in sys.modules


WRONG = {
    "unknown data": ({"source": "digit"}, r"there is no data set 'digit'\. Did you mean 'digits'"),
    "no such file": ({"factory": "nets.py:make"}, r"'nets\.py' cannot be imported \(FileNotFoundError: .*Expected file\.py:callable or"),
    "no such module": ({"factory": "no_such_thing.at_all:make"}, r"'no_such_thing\.at_all' cannot be imported \(ModuleNotFoundError"),
    "no such name": ({"factory": "net.py:mak"}, r"there is no callable in 'net\.py' named 'mak'\. Did you mean 'make'\? Known: make, number, ended, network, demanding"),
    "no callable": ({"factory": "net.py:nn"}, r"there is no callable in 'net\.py' named 'nn'"),
    "raises": ({"factory": "net.py:broken"}, r"the factory 'net\.py:broken' raised RuntimeError: no such thing\. Call it by hand"),
    "wrong arguments": ({"arguments": "narrow = 1"}, r"the factory 'net\.py:make' raised TypeError: .*narrow.*Give its arguments in the table \[model\.arguments\]"),
    "no arguments": ({"factory": "net.py:demanding"}, r"the factory 'net\.py:demanding' raised TypeError: .*missing 1 required positional argument: 'size'.*\[model\.arguments\]"),
    "ends itself": ({"factory": "net.py:ended"}, r"the factory 'net\.py:ended' raised SystemExit: 2\. Call it by hand"),
    "a network at once": ({"factory": "net.py:network"}, r"'net\.py:network' is a network already, a Sequential\. Expected a function or a class that makes one"),
    "code elsewhere": ({"factory": "../net.py:make"}, r"'\.\./net\.py' leads out of the card's folder\. .*outside = true"),
    "no network": ({"factory": "net.py:number"}, r"the factory 'net\.py:number' returned a int\. Expected a torch\.nn\.Module"),
    "other weights": ({"arguments": "wide = 5"}, r"the weights in 'w\.safetensors' do not fit .*; shape: 1\.bias \(4,\) for \(5,\), 1\.weight "),
    "other names": (
        {"factory": "torch.nn:Linear", "arguments": "in_features = 3\nout_features = 2"},
        r"the weights in 'w\.safetensors' do not fit the network 'torch\.nn:Linear'; missing: bias, weight; not in the network: 1\.bias, 1\.weight, 3\.bias, 3\.weight",
    ),
    "other fingerprint": ({"fingerprint": "0" * 64}, r"the weights in 'w\.safetensors' have fingerprint \w{12}, the card says 0{12}\. Use"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_told(card, changes, said):
    with pytest.raises((DataError, ModelError), match=rf"^card 'mine\.toml': {said}"):
        load_model(card(**changes))


def test_a_factory_that_is_no_python_is_told(card, tmp_path):
    (tmp_path / "net.py").write_text("def make(:")
    with pytest.raises(ModelError, match=r"'net\.py' cannot be imported \(SyntaxError"):
        load_model(card())


def test_a_factory_in_a_script_that_ends_itself_is_told(card, tmp_path):
    (tmp_path / "net.py").write_text("import argparse\nargparse.ArgumentParser(prog='x').parse_args(['--odd'])\n" + NET)
    with pytest.raises(ModelError, match=r"'net\.py' cannot be imported \(SystemExit: 2\)"):
        load_model(card())


@pytest.mark.parametrize("how", ["torch.compile({})", "nn.DataParallel({})", "torch.compile(nn.DataParallel({}))"])
def test_a_network_that_was_compiled_or_made_parallel_is_filled(card, net, tmp_path, how):
    (tmp_path / "net.py").write_text(
        NET.replace("from torch", "import torch\nfrom torch").replace("make(wide=4)", "bare(wide=4)").partition("def number")[0]
        + f"def make(): return {how.format('bare()')}\n"
    )
    card(factory="net.py:bare")
    found = build("net.py:make", tmp_path, {}, "test")
    fill(found, read_weights(tmp_path / "w.safetensors"), "test", "w", "net")
    for one, other in zip(found.parameters(), net.parameters(), strict=True):
        assert torch.equal(one, other)


def test_layers_that_learn_their_size_from_the_weights_are_filled(card, net, tmp_path):
    (tmp_path / "net.py").write_text(NET.replace("nn.Linear(64, wide)", "nn.LazyLinear(wide)").partition("def number")[0])
    inputs = torch.randn(3, 1, 8, 8)
    assert torch.equal(load_model(card()).net(inputs), net(inputs))


def test_private_names_are_not_offered(card, tmp_path):
    card()
    with pytest.raises(ModelError) as caught:
        find_callable("net.py:privat", tmp_path, "test")
    assert "_private" not in str(caught.value)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model_state_dict": state},
        lambda state: {"epoch": 1, "model": {"state_dict": state}},
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {"state_dict": {f"_orig_mod.{name}": value for name, value in state.items()}},
        lambda state: {f"module._orig_mod.{name}": value for name, value in state.items()},
        lambda state: {"state_dict": {f"net.{name}": value for name, value in state.items()}, "hyper_parameters": {"lr": 0.1}},
        lambda state: {"epoch": 3, "best": state},
        lambda state: {**state, "epoch": 3},
    ],
    ids=["plain", "state_dict", "model_state_dict", "nested", "parallel", "compiled", "both", "trainer", "unusual key", "number"],
)
def test_a_checkpoint_is_unwrapped(card, net, tmp_path, wrap):
    torch.save(wrap(net.state_dict()), tmp_path / "w.pth")
    assert load_model(card(weights="w.pth")).fingerprint == weights_fingerprint(net)


class Payload:
    """What a hostile checkpoint holds: loading it would write a file."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return open, (str(self.mark), "w")


@pytest.mark.parametrize("protocol", ["torch", "pickle"])
def test_code_in_a_checkpoint_does_not_run(tmp_path, protocol):
    mark, path = tmp_path / "the-payload-ran", tmp_path / "w.pth"
    if protocol == "torch":
        torch.save({"weight": torch.ones(1), "extra": Payload(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Payload(mark)))
    said = {
        "torch": r"it is pickled Python, which brings 'io\.open' along: to read it could run any code",
        "pickle": r"it cannot be read \(\w+: ",
    }
    with pytest.raises(ModelError, match=rf"^weights 'w\.pth': {said[protocol]}.*Expected a \.safetensors file, or a checkpoint"):
        read_weights(path)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Payload(mark))).close()
    assert mark.exists(), "the payload is harmless, so this test proves nothing"


def test_a_missing_file_is_told(card):
    with pytest.raises(
        ModelError, match=r"^weights 'gone\.pth': there is no file '.*gone\.pth'\. A card's paths are relative to the card\.$"
    ):
        load_model(card(weights="gone.pth"))


PAGE = b"\n<!doctype html><html><body>404: not found</body></html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1099231\n"


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PAGE, r"it is a web page or XML\. Expected a model file"),
        (b"", r"the file is empty\. Expected a model\. Was the download cut short"),
        (POINTER, r"it is a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`"),
        (b"\x89HDF\r\n\x1a\n", r"it is an HDF5 file, as Keras writes"),
        (b"no model at all", r"it cannot be read \(\w+: .*\)\. Expected a \.safetensors file"),
    ],
    ids=["web page", "empty", "pointer", "HDF5", "text"],
)
def test_another_file_saved_as_weights_is_told(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"^weights '{name}': {said}") as caught:
        read_weights(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_zip_bomb_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", b"")
        archive.writestr("w/data/0", bytes(1 << 26))
    assert (tmp_path / "w.pth").stat().st_size < 1 << 17
    with pytest.raises(ModelError, match=r"its [\d,]+ bytes unpack to 67,108,864, as in a zip bomb\. .* It was not read"):
        read_weights(tmp_path / "w.pth")


def test_a_pickled_network_is_loaded_only_when_the_card_allows_it(card, tmp_path):
    card()
    (tmp_path / "mynet.py").write_text(NET)
    with importable(tmp_path):
        net = find_callable("mynet:make", tmp_path, "test")()
        torch.save(net, tmp_path / "whole.pth")
    with pytest.raises(ModelError, match=r"it is pickled Python, which brings 'torch\.nn\..*`unpickle = true` in \[model\]"):
        load_model(card(weights="whole.pth"))
    text = '[model]\nname = "mine"\nweights = "whole.pth"\nunpickle = true\n[data]\nsource = "digits"'
    (tmp_path / "mine.toml").write_text(text)
    model = load_model(read_card(tmp_path / "mine.toml"))
    assert model.notes == ("'whole.pth' was unpickled, which can run any code: the card says unpickle = true",)
    inputs = torch.rand(2, 1, 8, 8)
    assert torch.equal(model.logits(inputs), net.eval()(inputs).detach())


def test_a_checkpoint_with_other_objects_is_read_only_when_the_card_allows_it(card, net, tmp_path):
    torch.save({"state_dict": net.state_dict(), "options": argparse.Namespace(lr=0.1)}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"which brings 'argparse\.Namespace' along"):
        load_model(card(weights="w.pth"))
    (tmp_path / "mine.toml").write_text((tmp_path / "mine.toml").read_text().replace("[model]", "[model]\nunpickle = true"))
    assert load_model(read_card(tmp_path / "mine.toml")).fingerprint == weights_fingerprint(net)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_a_truncated_file_is_told(card, net, tmp_path, name):
    torch.save(net.state_dict(), tmp_path / "w.pth")
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=rf"^weights '{name}': it cannot be read"):
        load_model(card(weights=name))


@pytest.mark.parametrize(
    ("content", "kind"), [([torch.ones(1)], "list"), ({"epoch": 3}, "dict"), ({}, "dict"), (torch.ones(2), "Tensor")]
)
def test_a_checkpoint_without_a_state_dict_is_told(tmp_path, content, kind):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(
        ModelError, match=rf"^weights 'w\.pth': it holds a {kind}(?: with epoch)?\. Expected a state dict: names and tensors"
    ):
        read_weights(tmp_path / "w.pth")
