"""Cards for the tests of sources: what they say of data, with a network that nobody loads."""

from pathlib import Path

from netlens.card import Card, read_card

MODEL = '[model]\nname = "mine"\nfactory = "net.py:make"\nweights = "w.safetensors"\n'


def card(folder: Path, source: str, *lines: str) -> Card:
    """A card in a folder that names this source; further lines of `[data]`."""
    text = "\n".join([MODEL, "[data]", f'source = "{source}"', *lines])
    (folder / "card.toml").write_text(text, encoding="utf-8")
    return read_card(folder / "card.toml")
