"""Trained models: trained once, read from the cache afterwards, and trained again when the cache is damaged."""

import dataclasses
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from netlens import trained
from netlens.card import read_card
from netlens.data import load, of_card
from netlens.errors import ModelError, OutputError, UsageError
from netlens.models.load import find_callable
from netlens.models.model import weights_fingerprint
from netlens.models.tutorial import TUTORIAL_MODELS, Recipe
from netlens.seeding import seed_everything
from netlens.trained import obtain
from netlens.training import fit


@pytest.fixture(scope="module", autouse=True)
def quick():
    """One epoch is enough here."""
    with pytest.MonkeyPatch.context() as patch:
        for model in TUTORIAL_MODELS.values():
            patch.setitem(model.recipes, "digits", Recipe(epochs=1, batch_size=256, shift=0))
        yield


@pytest.fixture
def fits(monkeypatch):
    """Count the trainings."""
    counted = []

    def counting(*arguments, **settings):
        counted.append(settings["seed"])
        return fit(*arguments, **settings)

    monkeypatch.setattr(trained, "fit", counting)
    return counted


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A cache that holds one trained model."""
    cache = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETLENS_CACHE", str(cache))
        obtain("mnist-mlp", "digits", device="cpu")
    return cache


@pytest.fixture
def folder(kept, tmp_path, monkeypatch):
    """A copy of that cache to work on: the folder of the model in it."""
    shutil.copytree(kept, tmp_path / "cache")
    monkeypatch.setenv("NETLENS_CACHE", str(tmp_path / "cache"))
    (found,) = (path for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir())
    return found


def get(**changes):
    return obtain(**{"name": "mnist-mlp", "dataset": "digits", "device": "cpu"} | changes)


def test_a_model_is_trained_once_and_the_same_is_read_afterwards(tmp_path, monkeypatch, fits):
    monkeypatch.setenv("NETLENS_CACHE", str(tmp_path / "new" / "cache"))
    (first, record), (second, again) = get(), get()
    assert fits == [0]
    assert first.fingerprint == second.fingerprint == weights_fingerprint(second.net)
    assert record.layers == again.layers == ("fc1", "fc2", "fc3")
    assert np.array_equal(record.gradient_norm, again.gradient_norm)
    assert not any(module.training for module in second.net.modules())
    assert sorted(path.name for path in (tmp_path / "new" / "cache" / "models").iterdir() if not path.name.endswith(".lock")) == [
        path.name for path in (tmp_path / "new" / "cache" / "models").glob("mnist-mlp-digits-*") if path.is_dir()
    ], "a temporary folder was left"


def test_another_seed_is_another_model(folder, fits):
    first, _ = get()
    assert fits == []
    assert get(seed=1)[0].fingerprint != first.fingerprint
    assert fits == [1]
    assert folder.is_dir()


def test_another_recipe_is_trained_anew(folder, fits, monkeypatch):
    monkeypatch.setitem(TUTORIAL_MODELS["mnist-mlp"].recipes, "digits", Recipe(epochs=1, batch_size=512, shift=0))
    get()
    assert fits == [0]
    assert folder.is_dir()


def test_the_card_reproduces_the_model(folder, digits):
    card = read_card(folder / "card.toml")
    said = dict(card.model.training)
    recipe = Recipe(**{field.name: said.pop(field.name) for field in dataclasses.fields(Recipe)})
    assert said == {"seed": 0, "device": "cpu", "train_samples": 1438}
    seed_everything(card.model.training["seed"])
    net = find_callable(card.model.factory, folder, "test")(**card.model.arguments)
    fit(net, *digits, recipe, seed=card.model.training["seed"])
    assert weights_fingerprint(net) == card.model.fingerprint
    assert card.data.source == "digits"


def test_the_card_in_the_cache_can_be_given_by_its_path(folder):
    model, record = obtain(str(folder / "card.toml"), device="cpu")
    assert record is None
    assert model.fingerprint == get()[0].fingerprint


def truncate(name):
    def damage(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return damage


def remove(name):
    return lambda folder: (folder / name).unlink()


def other_weights(folder):
    state = load_file(folder / "weights.safetensors")
    state["fc1.bias"][0] += 1
    save_file(state, folder / "weights.safetensors")


def record_without_a_key(folder):
    with np.load(folder / "record.npz") as arrays:
        rest = {name: arrays[name] for name in arrays.files if name != "loss"}
    np.savez(folder / "record.npz", **rest)


def empty(name):
    return lambda folder: (folder / name).write_bytes(b"")


DAMAGES = {
    "truncated weights": truncate("weights.safetensors"),
    "truncated record": truncate("record.npz"),
    "truncated card": truncate("card.toml"),
    "no weights": remove("weights.safetensors"),
    "no record": remove("record.npz"),
    "no card": remove("card.toml"),
    "empty record": empty("record.npz"),
    "empty card": empty("card.toml"),
    "other weights": other_weights,
    "half a record": record_without_a_key,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_is_trained_again(folder, fits, damage):
    fingerprint = read_card(folder / "card.toml").model.fingerprint
    damage(folder)
    model, record = get()
    assert fits == [0]
    assert model.fingerprint == fingerprint
    assert len(record.loss) == 6
    get()
    assert fits == [0], "the cache was not mended"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"name": "mnist-cn"},
            r"^model: there is no tutorial model or card 'mnist-cn'\. Did you mean 'mnist-cnn'\? Known: mnist-cnn, ",
        ),
        ({"dataset": "digit"}, r"^data: there is no data set 'digit'\. Did you mean 'digits'"),
        ({"device": "gpu"}, r"^model 'mnist-mlp': there is no device 'gpu'\."),
    ],
)
def test_an_unknown_name_is_refused(given, said):
    with pytest.raises(UsageError, match=said):
        get(**given)


def test_a_data_set_without_a_recipe_is_refused(monkeypatch):
    monkeypatch.delitem(TUTORIAL_MODELS["mnist-mlp"].recipes, "digits")
    with pytest.raises(
        UsageError, match=r"^model 'mnist-mlp': there is no recipe to train it on 'digits'\. Expected one of: mnist-5k, mnist"
    ):
        get()


def test_a_missing_card_is_told(tmp_path):
    with pytest.raises(ModelError, match=r"^card 'gone\.toml': .* cannot be read"):
        obtain(str(tmp_path / "gone.toml"))


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_a_file_in_place_of_the_cache_is_told(tmp_path, monkeypatch, below):
    (tmp_path / "cache").write_text("not a folder")
    monkeypatch.setenv("NETLENS_CACHE", str(tmp_path / "cache" / below))
    with pytest.raises(
        OutputError, match=r"^model 'mnist-mlp': the cache '.*cannot be written .*name another folder with NETLENS_CACHE"
    ):
        get()


def test_a_full_disk_is_told_and_nothing_half_written_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("NETLENS_CACHE", str(tmp_path))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trained.np, "savez", full)
    with pytest.raises(OutputError, match=r"No space left on device.* Free some space"):
        get()
    assert [path for path in (tmp_path / "models").iterdir() if path.is_dir()] == []


def test_an_interrupt_while_saving_leaves_nothing_half_written(tmp_path, monkeypatch):
    monkeypatch.setenv("NETLENS_CACHE", str(tmp_path))

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(trained.np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        get()
    assert [path for path in (tmp_path / "models").iterdir() if path.is_dir()] == []


def test_the_card_says_what_the_model_is_for(folder):
    declared = read_card(folder / "card.toml").declared
    assert all((declared.purpose, declared.out_of_scope, declared.provenance))


def test_a_network_for_a_table_keeps_how_its_columns_are_standardised(tmp_path, monkeypatch):
    monkeypatch.setenv("NETLENS_CACHE", str(tmp_path))
    monkeypatch.setitem(TUTORIAL_MODELS["wine-mlp"].recipes, "wine", Recipe(epochs=1, batch_size=64, shift=0))
    model, record = obtain("wine-mlp", device="cpu")
    train = load("wine", "train")
    assert record.layers == ("fc1", "fc2", "fc3")
    assert (tuple(model.card.data.mean), tuple(model.card.data.std)) == (train.preprocess.mean, train.preprocess.std)
    assert model.preprocess == train.preprocess == of_card(model.card).preprocess
    assert of_card(model.card, "train").fingerprint == train.fingerprint
    assert model.card.model.arguments == {"features": 13, "classes": 3}
    assert "wine" in model.card.declared.purpose


def test_the_usual_data_set_is_the_first_that_a_model_has_a_recipe_for():
    assert {name: entry.dataset for name, entry in TUTORIAL_MODELS.items() if name.endswith("-mlp")} == {
        "mnist-mlp": "mnist-5k", "breast-cancer-mlp": "breast-cancer", "wine-mlp": "wine", "diabetes-mlp": "diabetes",
        "credit-mlp": "credit-simulated",
    }  # fmt: skip
