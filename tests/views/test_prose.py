"""Sentences and claims."""

import pytest

from netlens.views import claim, say
from netlens.views.prose import Prose


def test_a_sentence_is_markdown():
    assert say("It is *so*.")._repr_mimebundle_() == ({"text/markdown": "It is *so*.", "text/plain": "It is *so*."}, {})


def test_a_claim_that_holds_reads_like_a_sentence():
    data, metadata = claim("It is so.", True)._repr_mimebundle_()
    assert data["text/markdown"] == "It is so."
    assert metadata == {"netlens": {"claim": True}}


def test_a_claim_that_does_not_hold_is_struck_out_and_marked():
    data, metadata = claim("It is so.", False)._repr_mimebundle_()
    assert data["text/markdown"] == "*This does not hold here:* ~~It is so.~~"
    assert metadata == {"netlens": {"claim": False}}


@pytest.mark.parametrize("holds", ["numpy", "torch"])
def test_what_numpy_and_torch_call_true_can_be_written_as_json(holds):
    import json

    import numpy as np
    import torch

    value = np.float64(1) < 2 if holds == "numpy" else torch.tensor(1) < 2
    made = claim("It is so.", value)
    assert made == Prose("It is so.", True)
    assert json.dumps(made._repr_mimebundle_()[1]) == '{"netlens": {"claim": true}}'
