"""Files that would run code, fill the memory or pretend to be something else: nothing of them runs."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
import torch

from netlens.errors import ModelError
from netlens.models import load_model
from tests.models.small_net import card, make, save


class Payload:
    """What a hostile file holds: reading it would write a file."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return open, (self.mark, "w")


@pytest.fixture
def program(tmp_path):
    """Save a program, and change its parts."""
    save(make(), tmp_path)

    def changed(change):
        source, target = tmp_path / "net.pt2", tmp_path / "hostile.pt2"
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            for part in old.infolist():
                name, content = part.filename, old.read(part)
                for one in change(name, content) or [(name, content)]:
                    new.writestr(*one)
        return card(tmp_path, 'exported = "hostile.pt2"')

    return changed


def pickled(payload):
    held = io.BytesIO()
    torch.save((payload,), held)
    return held.getvalue()


def test_a_changed_program_can_be_read_at_all(program):
    assert load_model(program(lambda _name, _content: None)).parameters == 690


def test_a_payload_in_the_sample_inputs_does_not_run(program, tmp_path):
    mark = tmp_path / "ran"

    def change(name, content):
        return [(name, pickled(Payload(mark)))] if "sample_inputs" in name else [(name, content)]

    with pytest.raises(ModelError, match=r"'hostile\.pt2' cannot be read"):
        load_model(program(change))
    assert not mark.exists()
    torch.load(io.BytesIO(pickled(Payload(mark))), weights_only=False)[0].close()
    assert mark.exists(), "the payload is harmless, so this test proves nothing"


def test_a_payload_in_the_weights_does_not_run(program, tmp_path):
    mark = tmp_path / "ran"

    def change(name, content):
        if name.endswith("weights_config.json"):
            content = content.replace(b'"use_pickle": false', b'"use_pickle": true')
        if name.rpartition("/")[2].startswith("weight_"):
            content = pickled(Payload(mark))
        return [(name, content)]

    with pytest.raises(ModelError, match=r"'hostile\.pt2' cannot be read"):
        load_model(program(change))
    assert not mark.exists()


def test_pickled_objects_among_the_constants_are_refused(program, tmp_path):
    def change(name, content):
        root = name.partition("/")[0]
        if name.endswith("archive_format"):
            return [(name, content), (f"{root}/data/constants/opaque_obj_0", pickled(Payload(tmp_path / "ran")))]
        return None

    with pytest.raises(ModelError, match=r"'hostile\.pt2' holds pickled Python objects.*Nothing of it was run"):
        load_model(program(change))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "expression", ["__import__('os').system('touch {mark}')", "().__class__", "exit(1)", "s31 if s31 else s31"]
)
def test_a_size_that_is_code_is_not_evaluated(program, tmp_path, expression):
    mark = tmp_path / "ran"

    def change(name, content):
        if name.endswith("models/model.json"):
            said = json.loads(content)
            planted = json.dumps(expression.format(mark=mark))
            text = json.dumps(said)
            found = text.index('"expr_str": ') + len('"expr_str": ')
            end = found + len(json.dumps(json.JSONDecoder().raw_decode(text[found:])[0]))
            content = (text[:found] + planted + text[end:]).encode()
        return [(name, content)]

    with pytest.raises(ModelError, match=r"'hostile\.pt2' has a size that is no arithmetic: .* Nothing of it was run"):
        load_model(program(change))
    assert not mark.exists()


def test_two_parts_of_one_name_are_refused(tmp_path):
    save(make(), tmp_path)
    with zipfile.ZipFile(tmp_path / "net.pth", "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("net/data.pkl", b"")
    with pytest.raises(ModelError, match=r"two of its parts have the same name"):
        load_model(card(tmp_path, 'factory = "net.py:make"\nweights = "net.pth"'))


def test_the_setting_that_keeps_torch_from_unpickling_is_put_back(tmp_path, monkeypatch):
    import os

    save(make(), tmp_path)
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)
    load_model(card(tmp_path, 'exported = "net.pt2"'))
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ
