"""The same network in every form: equal logits, equal explanations, and a clear refusal of what cannot be."""

from __future__ import annotations

import zipfile

import pytest
import torch
from torch import nn

from netlens.errors import ModelError, NetlensError
from netlens.explain import EXPLAINERS
from netlens.explain.applicability import refusals
from netlens.models import load_model
from netlens.models.model import Model
from tests.models.small_net import FORMS, card, make, save

QUICK = {
    "n_samples": {"smooth_grad": 4, "var_grad": 4, "expected_gradients": 8, "gradient_shap": 8, "rise": 100, "kernel_shap": 150}
    | {"lime": 150, "rule_tree": 150, "partition_shap": 60},
    "n_steps": {"integrated_gradients": 8},
    "layer": {"neuron_gradient": "0"},
}
CLOSED = ("scripted", "traced", "exported", "exported for fours")
RULED = ("deep_lift", "lrp", "deep_shap", "guided_backprop")
LAYERED = ("grad_cam", "grad_cam_plus_plus", "layer_cam", "score_cam", "eigen_cam", "guided_grad_cam", "neuron_gradient")


@pytest.fixture(scope="module")
def forms(tmp_path_factory) -> dict[str, Model]:
    """The model in memory, and loaded from each form."""
    folder = tmp_path_factory.mktemp("forms")
    torch.manual_seed(0)
    save(make(), folder)
    return {name: load_model(card(folder, keys)) for name, keys in FORMS.items()}


@pytest.fixture(scope="module")
def inputs() -> torch.Tensor:
    return torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 0.8


def explained(model: Model, name: str, inputs: torch.Tensor) -> torch.Tensor:
    settings = {
        key: chosen[name] for key, chosen in QUICK.items() if name in chosen and key in EXPLAINERS[name].__dataclass_fields__
    }
    return EXPLAINERS[name](**settings)(model, inputs, 3).values


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_logits_for_any_number_of_rows(forms, inputs, form):
    for rows in (1, 2, 3):
        expected = forms["safetensors"].logits(inputs[:rows])
        torch.testing.assert_close(forms[form].logits(inputs[:rows]), expected, atol=1e-6, rtol=1e-5)
    assert not any(module.training for module in forms[form].net.modules())


@pytest.mark.parametrize("form", ["checkpoint", *CLOSED])
@pytest.mark.parametrize("name", EXPLAINERS)
def test_explanations_are_equal_or_refused_with_a_reason(forms, inputs, name, form):
    ruled = name in RULED and form in ("scripted", "traced")  # an exported program shows its operations
    if form in CLOSED and (name in LAYERED or ruled):
        with pytest.raises(ModelError, match=r"(TorchScript|exported program).*Use ") as caught:
            explained(forms[form], name, inputs)
        assert "\n" not in str(caught.value)
        return
    if "attention" in EXPLAINERS[name].needs:
        with pytest.raises(ModelError, match=r"attention|TorchScript|exported|exports"):
            explained(forms[form], name, inputs)
        return
    expected = explained(forms["safetensors"], name, inputs)
    torch.testing.assert_close(explained(forms[form], name, inputs), expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_what_a_check_promises_is_what_happens(forms, inputs, form):
    refused = set()
    for name in EXPLAINERS:
        try:
            explained(forms[form], name, inputs[:1])
        except NetlensError:
            refused.add(name)
    assert {name for name, reason in refusals(forms[form], inputs).items() if reason} == refused


def test_a_program_for_one_batch_size_says_so(forms):
    note = "'fours.pt2' was exported for batches of 4, and runs so; export it with a dynamic batch size to be faster"
    assert forms["exported for fours"].notes == (note,)
    assert forms["exported"].notes == ()


def test_an_exported_program_has_no_layers(forms):
    assert forms["exported"].layers == {}
    assert forms["exported"].parameters == forms["safetensors"].parameters
    with pytest.raises(
        ModelError, match=r"small is an exported program, which has operations and no layers.*reads no layer: saliency"
    ):
        forms["exported"].layer("0")


def test_a_program_exported_in_training_mode_is_refused(tmp_path):
    program = torch.export.export(make().train(), (torch.rand(4, 1, 8, 8),))
    torch.export.save(program, tmp_path / "net.pt2")
    with pytest.raises(
        ModelError, match=r"'net\.pt2' was exported in training mode, .*Export it again: torch\.export\.export\(net\.eval\(\)"
    ):
        load_model(card(tmp_path, 'exported = "net.pt2"'))


def test_a_program_for_images_of_another_size_is_told(tmp_path):
    torch.export.save(torch.export.export(nn.Flatten(), (torch.rand(2, 1, 9, 9),)), tmp_path / "net.pt2")
    with pytest.raises(
        ModelError, match=r"does not run on inputs \(2, 1, 8, 8\) \(RuntimeError: the program was exported for other sizes"
    ):
        load_model(card(tmp_path, 'exported = "net.pt2"'))


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_a_trace_whose_batch_size_is_built_in_is_told(tmp_path):
    class Fixed(nn.Module):
        def forward(self, inputs):
            return inputs.reshape(3, -1)[:, :10]

    torch.jit.trace(Fixed(), torch.rand(3, 1, 8, 8), check_trace=False).save(tmp_path / "net.pt")
    with pytest.raises(ModelError, match=r"(batch size is built in|does not run on inputs \(2, 1, 8, 8\))"):
        load_model(card(tmp_path, 'torchscript = "net.pt"'))


SWAPPED = {
    "weights as TorchScript": ('torchscript = "net.pth"', r"'net\.pth' is no TorchScript\. .*Weights go with a `factory`"),
    "weights as a program": ('exported = "net.pth"', r"'net\.pth' is no exported program\. Expected a \.pt2 file"),
    "TorchScript as a program": ('exported = "traced.pt"', r"'traced\.pt' is no exported program"),
    "TorchScript as weights": (
        'factory = "net.py:make"\nweights = "traced.pt"',
        r"it is TorchScript, network and weights in one.*Write torchscript = \"traced\.pt\" in \[model\], in place of `factory`",
    ),
    "a program as weights": (
        'factory = "net.py:make"\nweights = "net.pt2"',
        r"it is a program that torch\.export saved.*Write exported = ",
    ),
    "nothing": ('torchscript = "gone.pt"', r"there is no file '.*gone\.pt'\. A card's paths are relative to the card"),
}


@pytest.mark.parametrize(("keys", "said"), SWAPPED.values(), ids=SWAPPED)
def test_a_file_of_another_form_is_told_and_how_to_name_it(tmp_path, keys, said):
    save(make(), tmp_path)
    with pytest.raises(ModelError, match=said):
        load_model(card(tmp_path, keys))


@pytest.mark.parametrize("name", ["traced.pt", "net.pt2"])
def test_a_truncated_file_is_told(tmp_path, name):
    save(make(), tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"card 'small\.toml': it cannot be read \(BadZipFile: .*Was the download cut short"):
        load_model(card(tmp_path, f'{"exported" if name.endswith("2") else "torchscript"} = "{name}"'))


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_torchscript_of_a_version_to_come_is_told(tmp_path):
    save(make(), tmp_path)
    with zipfile.ZipFile(tmp_path / "traced.pt") as old, zipfile.ZipFile(tmp_path / "new.pt", "w") as new:
        for part in old.infolist():
            new.writestr(part.filename, b"9999\n" if part.filename.endswith("/version") else old.read(part))
    with pytest.raises(
        ModelError, match=r"'new\.pt' cannot be read \(RuntimeError: .*This is torch .*save it again with a version near it"
    ):
        load_model(card(tmp_path, 'torchscript = "new.pt"'))
