"""The tutorial's networks for text: they take token ids (N, T), padded with 0, and give logits."""

from __future__ import annotations

import torch
from torch import nn

PAD, UNKNOWN = 0, 1
MISSING = 0.1  # of the words, while the network learns


class TextLSTM(nn.Module):
    """An LSTM reads the words from left to right; the mean of its states says what the text is about.

    Parameters
    ----------
    vocabulary : how many tokens there are; token 0 pads and token 1 stands for unknown words.
    classes : how many logits to give.
    width, hidden : numbers in a word's embedding, and in a state.

    Notes
    -----
    While it learns, a tenth of the words are replaced by the token for unknown words. So a text in which a word is hidden behind
    that token, as methods of explanation do, is nothing strange to it.
    """

    def __init__(self, vocabulary: int, classes: int = 2, width: int = 64, hidden: int = 96) -> None:
        super().__init__()
        self.embedding = _embedding(vocabulary, width)
        self.dropout1 = nn.Dropout(0.4)
        self.lstm = nn.LSTM(width, hidden, batch_first=True)
        self.dropout2 = nn.Dropout(0.4)
        self.fc = nn.Linear(hidden, classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to logits (N, classes)."""
        if self.training:
            ids = with_gaps(ids)
        states, _ = self.lstm(self.dropout1(self.embedding(ids)))  # (N, T, hidden)
        logits: torch.Tensor = self.fc(self.dropout2(mean_of_words(states, ids)))
        return logits


class TextTransformer(nn.Module):
    """Blocks of self-attention over the words; the mean of what they give says what the text is about.

    Parameters
    ----------
    vocabulary : how many tokens there are; token 0 pads and token 1 stands for unknown words.
    classes : how many logits to give.
    width, heads, depth : numbers in an embedding, heads of attention, and blocks.
    longest : positions that are told apart.

    Notes
    -----
    While it learns, a tenth of the words are replaced by the token for unknown words, as in `TextLSTM`.
    """

    def __init__(
        self, vocabulary: int, classes: int = 2, width: int = 64, heads: int = 4, depth: int = 2, longest: int = 64
    ) -> None:
        super().__init__()
        self.embedding = _embedding(vocabulary, width)
        self.position = nn.Embedding(longest, width)
        nn.init.normal_(self.position.weight, std=0.05)
        self.dropout = nn.Dropout(0.4)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.fc = nn.Linear(width, classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T) to logits (N, classes)."""
        if self.training:
            ids = with_gaps(ids)
        absent = ids == PAD
        hidden = absent & ~absent.all(1, keepdim=True)  # where every word is absent, something must be looked at
        states = self.dropout(self.embedding(ids) + self.position(torch.arange(ids.shape[1], device=ids.device)))  # (N, T, width)
        for block in self.blocks:
            states = block(states, hidden)
        logits: torch.Tensor = self.fc(mean_of_words(self.norm(states), ids))
        return logits


class Block(nn.Module):
    """Self-attention, then a small network at each word; both add to what they are given."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout=0.2, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 2 * width)
        self.gelu = nn.GELU()
        self.fc2 = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(0.2)

    def forward(self, states: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """Map states (N, T, width) to states; words that are `hidden` (N, T) are not looked at."""
        normed = self.norm1(states)
        looked, _ = self.attention(normed, normed, normed, key_padding_mask=hidden, need_weights=False)
        states = states + self.dropout(looked)
        thought: torch.Tensor = states + self.dropout(self.fc2(self.gelu(self.fc1(self.norm2(states)))))
        return thought


def mean_of_words(states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """The mean of states (N, T, D) over the places that are not padding, (N, D); zero where all are."""
    words = (ids != PAD).unsqueeze(2).to(states.dtype)
    mean: torch.Tensor = (states * words).sum(1) / words.sum(1).clamp(min=1)
    return mean


def with_gaps(ids: torch.Tensor) -> torch.Tensor:
    """Ids in which a tenth of the words, drawn at random, are unknown; columns that hold nothing but padding are cut off."""
    ids = ids[:, : int((ids != PAD).any(0).sum())]
    missing = (torch.rand(ids.shape, device=ids.device) < MISSING) & (ids != PAD)
    gappy: torch.Tensor = torch.where(missing, UNKNOWN, ids)
    return gappy


def _embedding(vocabulary: int, width: int) -> nn.Embedding:
    made = nn.Embedding(vocabulary, width, padding_idx=PAD)
    with torch.no_grad():
        made.weight.mul_(0.2)
    return made
