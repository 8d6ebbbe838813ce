"""A small network on the 8 x 8 digits, and cards for it in every form."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from netlens.card import Card, read_card

NET = """
from torch import nn

def make(classes=10):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(64, classes)
    )
"""
DATA = '\n[data]\nsource = "digits"\n'
NAME = '[model]\nname = "small"\n'


def make(classes: int = 10) -> nn.Module:
    """The network of `NET`."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(64, classes)
    )


def save(net: nn.Module, folder: Path) -> None:
    """Save a network in every form that a card may name."""
    net.eval()
    rows = torch.rand(4, 1, 8, 8)
    (folder / "net.py").write_text(NET)
    torch.save(
        {"state_dict": {f"module.{name}": tensor for name, tensor in net.state_dict().items()}, "epoch": 3}, folder / "net.pth"
    )
    save_file(net.state_dict(), folder / "net.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # TorchScript is deprecated, and still what many models are saved as
        torch.jit.script(net).save(folder / "scripted.pt")
        torch.jit.trace(net, rows).save(folder / "traced.pt")
    any_size = ({0: torch.export.Dim("rows")},)
    torch.export.save(torch.export.export(net, (rows,), dynamic_shapes=any_size), folder / "net.pt2")
    torch.export.save(torch.export.export(net, (rows,)), folder / "fours.pt2")


FORMS = {
    "checkpoint": 'factory = "net.py:make"\nweights = "net.pth"',
    "safetensors": 'factory = "net.py:make"\nweights = "net.safetensors"',
    "scripted": 'torchscript = "scripted.pt"',
    "traced": 'torchscript = "traced.pt"',
    "exported": 'exported = "net.pt2"',
    "exported for fours": 'exported = "fours.pt2"',
}


def card(folder: Path, keys: str, data: str = DATA, above: str = "") -> Card:
    """Write a card into a folder and read it."""
    path = folder / "small.toml"
    path.write_text(f"{above}{NAME}{keys}\n{data}", encoding="utf-8")
    return read_card(path)
