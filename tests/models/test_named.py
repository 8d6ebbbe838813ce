"""Networks by the name that a library knows, without a network connection: random weights, folders, and refusals in words."""

from __future__ import annotations

import json
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image

from netlens.errors import ModelError
from netlens.explain import EXPLAINERS
from netlens.models import load_model
from tests.models.small_net import card

IMAGES = '\n[data]\nsource = "folder:images"\nsize = [32, 32]\n'
TEXTS = '\n[data]\nsource = "csv:texts.csv"\nmodality = "text"\nclasses = ["bad", "good"]\n'


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(tmp_path):
    """Eight images in two classes."""
    draw = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for place in range(4):
            Image.fromarray(draw.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "images" / name / f"{place}.png")
    return tmp_path


def images(model):
    from netlens.data import of_card

    return of_card(model.card).take(2).inputs


def test_a_classifier_of_torchvision_by_name(folder):
    keys = 'torchvision = "mobilenet_v3_small"\npretrained = false\narguments = { num_classes = 2 }'
    model = load_model(card(folder, keys, IMAGES))
    assert model.notes == ("its weights are random: the card asks for a network without `weights` and with pretrained = false",)
    assert model.logits(images(model)).shape == (2, 2)
    again = load_model(card(folder, keys, IMAGES))
    assert again.fingerprint == model.fingerprint, "random weights are the same each time"


def test_weights_of_your_own_in_a_network_by_name(folder):
    keys = 'timm = "resnet10t"\narguments = { num_classes = 2 }\n'
    first = load_model(card(folder, keys + "pretrained = false", IMAGES))
    torch.save(first.net.state_dict(), folder / "w.pth")
    with torch.no_grad():
        first.net.fc.weight.add_(1)
    torch.save(first.net.state_dict(), folder / "w.pth")
    model = load_model(card(folder, keys + 'weights = "w.pth"', IMAGES))
    assert model.fingerprint == load_model(card(folder, keys + 'weights = "w.pth"', IMAGES)).fingerprint
    torch.testing.assert_close(model.logits(images(model)), first.net(images(model)).detach())
    assert model.notes == ()


def test_a_vision_transformer_of_timm_goes_through(folder):
    arguments = "{ img_size = 32, patch_size = 8, embed_dim = 24, depth = 2, num_heads = 2, num_classes = 2 }"
    keys = f'timm = "vit_tiny_patch16_224"\npretrained = false\narguments = {arguments}'
    model = load_model(card(folder, keys, IMAGES.replace("size = [32, 32]", "")))
    assert (model.card.data.mean, model.card.data.size) == ([0.5, 0.5, 0.5], [32, 32])
    inputs = images(model)
    for name, settings in (("saliency", {}), ("integrated_gradients", {"n_steps": 8}), ("occlusion", {})):
        assert EXPLAINERS[name](**settings)(model, inputs, 0).values.shape == inputs.shape
    with pytest.raises(ModelError, match=r"rules of deep_lift do not handle"):
        EXPLAINERS["deep_lift"]()(model, inputs, 0)


def test_a_folder_that_timm_saved(folder):
    import timm
    from timm.models import save_for_hf

    net = timm.create_model("resnet10t", num_classes=2).eval()
    save_for_hf(net, folder / "own")
    model = load_model(card(folder, 'timm = "own"', IMAGES))
    torch.testing.assert_close(model.logits(images(model)), net(images(model)).detach(), atol=1e-5, rtol=1e-4)


def test_an_image_classifier_of_hugging_face_in_a_folder(folder):
    import transformers

    config = transformers.ViTConfig(
        image_size=32, patch_size=8, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        id2label={0: "cat", 1: "dog"}, label2id={"cat": 0, "dog": 1},
    )  # fmt: skip
    net = transformers.ViTForImageClassification(config).eval()
    net.save_pretrained(folder / "vit")
    said = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4], "size": {"height": 32, "width": 32}}
    (folder / "vit" / "preprocessor_config.json").write_text(json.dumps(said))
    model = load_model(card(folder, 'huggingface = "vit"', '\n[data]\nsource = "folder:images"\n'))
    assert (model.card.data.mean, model.card.data.size, model.classes) == ([0.4, 0.5, 0.6], [32, 32], ("cat", "dog"))
    inputs = images(model)
    torch.testing.assert_close(model.logits(inputs), net(pixel_values=inputs).logits.detach())
    assert "vit.layernorm" in model.layers, "layers keep their paths"
    assert EXPLAINERS["integrated_gradients"](n_steps=8)(model, inputs, 0).complete.all()


@pytest.fixture
def bert(tmp_path):
    """A small BERT with random weights, its tokenizer, and four sentences."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "was", "good", "bad", "very", "long"]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = {f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **marks).save_pretrained(tmp_path / "bert")
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, num_labels=2
    )
    net = transformers.BertForSequenceClassification(config).eval()
    net.save_pretrained(tmp_path / "bert")
    rows = ["the film was good,good", "the film was very very bad,bad", "good,good", "the film was long,bad"]
    (tmp_path / "texts.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    return net


def test_a_text_classifier_of_hugging_face_in_a_folder(bert, tmp_path):
    from netlens.data import of_card
    from netlens.explain.applicability import refusals

    model = load_model(card(tmp_path, 'huggingface = "bert"', TEXTS))
    assert model.card.data.tokenizer == "bert"
    batch = of_card(model.card).take(4)
    pad = model.preprocess.pad
    expected = bert(batch.inputs, attention_mask=(batch.inputs != pad).long()).logits.detach()
    torch.testing.assert_close(model.logits(batch.inputs), expected)
    short = next(row for row in batch.inputs if (row == pad).any())
    alone = model.logits(short[short != pad].unsqueeze(0))
    torch.testing.assert_close(model.logits(short.unsqueeze(0)), alone, msg="padding changes nothing")
    assert refusals(model, batch.inputs)["integrated_gradients"] == ""


WRONG = {
    "unknown to torchvision": ('torchvision = "resnet19"', r"there is no classifier of torchvision 'resnet19'\. Did you mean 'resnet1"),
    "no classifier": ('torchvision = "deeplabv3_resnet50"', r"there is no classifier of torchvision 'deeplabv3_resnet50'"),
    "unknown to timm": ('timm = "resnet_18"', r"there is no classifier of timm 'resnet_18'\. Did you mean 'resnet18'"),
    "wrong arguments": (
        'timm = "resnet10t"\npretrained = false\narguments = { colours = 3 }',
        r"timm does not take the arguments of 'resnet10t' \(TypeError: .*colours.*Mend \[model\.arguments\]",
    ),
    "not on this machine, torchvision": (
        'torchvision = "squeezenet1_0"', r"the weights of 'squeezenet1_0' are not on this machine, and could not be downloaded .*Connect to the network once.* Or put 'squeezenet1_0-\w+\.pth' into the folder '.*/hub/checkpoints'\."
    ),
    "not on this machine, timm": ('timm = "resnet10t"', r"the weights of 'resnet10t' are not on this machine, and could not be downloaded"),
    "not on this machine, hugging face": ('huggingface = "nobody/nothing"', r"the weights of 'nobody/nothing' are not on this machine"),
    "no folder": ('huggingface = "./gone"', r"there is no folder '.*gone'\. A card's paths are relative"),
    "a folder outside": ('huggingface = "../gone"', r"'\.\./gone' leads out of the card's folder"),
}  # fmt: skip


def unreachable(*_, **__):
    raise URLError("no route to host")


@pytest.mark.parametrize(("keys", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_had_is_told(folder, monkeypatch, keys, said):
    monkeypatch.setenv("TORCH_HOME", str(folder))
    monkeypatch.setattr("torch.hub.download_url_to_file", unreachable)
    with pytest.raises(ModelError, match=rf"^card 'small\.toml': {said}") as caught:
        load_model(card(folder, keys, IMAGES))
    assert "\n" not in str(caught.value)


def test_a_network_that_was_never_trained_to_classify_is_refused(bert, tmp_path):
    bert.bert.save_pretrained(tmp_path / "bert")
    with pytest.raises(ModelError, match=r"'bert' has no weights for .*classifier\.weight, so it is no trained classifier"):
        load_model(card(tmp_path, 'huggingface = "bert"', TEXTS))


def test_a_library_that_is_not_installed_is_named(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(ModelError, match=r"the library 'timm' is not installed\. Install netlens\[timm\]"):
        load_model(card(folder, 'timm = "resnet10t"', IMAGES))


@pytest.mark.usefixtures("bert")
def test_code_beside_the_weights_is_not_run(tmp_path):
    config = json.loads((tmp_path / "bert" / "config.json").read_text())
    config |= {"auto_map": {"AutoConfig": "evil.Config"}, "model_type": "evil"}
    (tmp_path / "bert" / "config.json").write_text(json.dumps(config))
    (tmp_path / "bert" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelError, match="transformers could not make 'bert'"):
        load_model(card(tmp_path, 'huggingface = "bert"', TEXTS))
    assert not (tmp_path / "ran").exists()
