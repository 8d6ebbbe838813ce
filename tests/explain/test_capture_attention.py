"""Attention of unmodified networks: recovered head by head, and held against what the network itself computed."""

import math
import warnings

import pytest
import timm
import torch
import torchvision
import transformers
from torch import nn
from torch.nn import functional

from netlens.capture import attention
from netlens.capture.fused import scaled_dot_product
from netlens.errors import ModelError
from netlens.models.model import evaluation
from netlens.models.vit import MnistViT

IDS = torch.arange(10).view(2, 5) % 7
PADDED = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def listen(model, *inputs, graph=False, **named):
    """Run a network once and give what was heard, and its output."""
    with evaluation(model.net), torch.set_grad_enabled(graph), attention(model, graph=graph) as heard:
        output = model.net(*inputs, **named)
    return heard, output


def torchvision_vit():
    return torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=3)


def torchvision_swin():
    return torchvision.models.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=3)


def timm_vit(*, fused=True):
    net = timm.models.vision_transformer.VisionTransformer(32, 8, embed_dim=16, depth=2, num_heads=2, reg_tokens=2, num_classes=3)
    for block in net.blocks:
        block.attn.fused_attn = fused
    return net


def bert(how):
    config = transformers.BertConfig(
        vocab_size=9, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, attn_implementation=how
    )
    return transformers.BertForSequenceClassification(config)


def llama(how):
    config = transformers.LlamaConfig(
        vocab_size=9, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=16,
        attn_implementation=how,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config)


NETWORKS = {
    "own": (lambda: MnistViT(classes=3), (2, 1, 28, 28), 3, (2, 4, 50, 50), "scaled_dot_product_attention"),
    "torchvision ViT": (torchvision_vit, (2, 3, 32, 32), 2, (2, 2, 17, 17), "multi_head_attention_forward"),
    "torchvision Swin": (torchvision_swin, (2, 3, 64, 64), 4, (32, 2, 16, 16), "softmax"),
    "timm, fused": (timm_vit, (2, 3, 32, 32), 2, (2, 2, 19, 19), "scaled_dot_product_attention"),
    "timm, in words": (lambda: timm_vit(fused=False), (2, 3, 32, 32), 2, (2, 2, 19, 19), "softmax"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_attention_of_vision_networks_reproduces_their_outputs(wrap, name):
    make, shape, calls, weights, how = NETWORKS[name]
    model, images = wrap(make()), torch.randn(shape)
    with torch.no_grad(), evaluation(model.net):
        expected = model.net(images)
    heard, output = listen(model, images)
    torch.testing.assert_close(output, expected, atol=1e-6, rtol=1e-5)
    assert [call.how for call in heard.calls] == [how] * calls
    assert heard.calls[0].weights.shape == weights
    assert heard.missed == []
    for call in heard.calls:
        assert call.error < 1e-5
        torch.testing.assert_close(call.weights.sum(-1), torch.ones(call.weights.shape[:3]))
    in_graph, output = listen(model, images, graph=True)
    torch.testing.assert_close(output.detach(), expected, atol=1e-5, rtol=1e-4)
    assert all(call.weights.requires_grad for call in in_graph.calls)


@pytest.mark.parametrize("how", ["sdpa", "eager"])
def test_attention_of_a_bert_is_what_it_gives_itself_when_asked(wrap, how):
    model = wrap(bert(how))
    heard, _ = listen(model, IDS, attention_mask=PADDED)
    assert [call.layer for call in heard.calls] == [f"bert.encoder.layer.{place}.attention.self" for place in (0, 1)]
    asked = bert("eager")
    asked.load_state_dict(model.net.state_dict())
    with torch.no_grad():
        own = asked.eval()(IDS, attention_mask=PADDED, output_attentions=True).attentions
    for call, weights in zip(heard.calls, own, strict=True):
        torch.testing.assert_close(call.weights, weights, atol=1e-6, rtol=1e-5)
        assert (call.weights[1, ..., 3:] == 0).all(), "nobody looks at padding"


@pytest.mark.parametrize("how", ["sdpa", "eager"])
def test_a_causal_network_with_shared_keys_looks_back_only_with_each_of_its_heads(wrap, how):
    heard, _ = listen(wrap(llama(how)), IDS)
    for call in heard.calls:
        assert call.weights.shape == (2, 4, 5, 5)
        assert (call.weights.triu(1) == 0).all()
        assert call.error < 1e-5


def by_hand(query, key, mask=0.0):
    return (query @ key.mT / math.sqrt(query.shape[-1]) + mask).softmax(-1)


class Direct(nn.Module):
    """Attention of the inputs among themselves, called with whatever is given."""

    def __init__(self, **named):
        super().__init__()
        self.named = named

    def forward(self, query, key, value):
        return functional.scaled_dot_product_attention(query, key, value, **self.named)


@pytest.mark.parametrize(
    ("named", "mask"),
    [
        ({}, 0.0),
        ({"is_causal": True}, torch.full((4, 4), -math.inf).triu(1)),
        ({"attn_mask": torch.ones(4, 4).tril().bool()}, torch.full((4, 4), -math.inf).triu(1)),
        ({"attn_mask": torch.eye(4) * 3}, torch.eye(4) * 3),
        ({"scale": 0.5}, 0.0),
    ],
    ids=["plain", "causal", "bool mask", "added mask", "scale"],
)
def test_arguments_of_the_fused_function_are_heeded(wrap, named, mask):
    query, key, value = torch.randn(3, 2, 2, 4, 4)
    heard, _ = listen(wrap(Direct(**named)), query, key, value)
    torch.testing.assert_close(heard.calls[0].weights, by_hand(query, key, mask))  # 0.5 is also 1 / sqrt(4)
    assert heard.calls[0].error < 1e-6


def test_heads_that_share_keys_each_get_their_own(wrap):
    query, key, value = torch.randn(1, 4, 3, 5), torch.randn(1, 2, 3, 5), torch.randn(1, 2, 3, 5)
    heard, _ = listen(wrap(Direct(enable_gqa=True)), query, key, value)
    expected = by_hand(query, key[:, [0, 0, 1, 1]])
    torch.testing.assert_close(heard.calls[0].weights, expected)
    assert heard.calls[0].values.shape == (1, 4, 3, 5)


def test_a_query_that_may_look_nowhere_has_no_weights(wrap):
    mask = torch.tensor([[True, False], [False, False]])
    heard, _ = listen(wrap(Direct(attn_mask=mask)), *torch.randn(3, 1, 1, 2, 4))
    assert heard.calls[0].weights[0, 0].tolist() == [[1.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_half_precision_gives_weights_in_float32(wrap, dtype):
    query, key, value = torch.randn(3, 2, 2, 6, 4).to(dtype)
    heard, output = listen(wrap(Direct()), query, key, value)
    assert output.dtype == dtype
    assert heard.calls[0].weights.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    torch.testing.assert_close(heard.calls[0].weights, by_hand(*(part.to(heard.calls[0].weights.dtype) for part in (query, key))))


def test_a_whole_network_in_half_precision_is_heard(wrap):
    heard, _ = listen(wrap(torchvision_vit().bfloat16()), torch.randn(2, 3, 32, 32).bfloat16())
    assert all(call.weights.dtype == torch.float32 and call.error < 0.04 for call in heard.calls)


@pytest.mark.parametrize(
    "settings",
    [{}, {"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"kdim": 6, "vdim": 5}, {"batch_first": True}],
    ids=str,
)
def test_torchs_own_module_looks_across_with_every_setting(wrap, settings):
    layer = nn.MultiheadAttention(8, 2, **settings)
    if layer.in_proj_bias is not None:
        nn.init.normal_(layer.in_proj_bias)
    sizes = (4, 3, 8), (5, 3, settings.get("kdim", 8)), (5, 3, settings.get("vdim", 8))
    query, key, value = (
        torch.randn(size).transpose(0, 1) if settings.get("batch_first") else torch.randn(size) for size in sizes
    )
    with torch.no_grad():
        expected, weights = layer.eval()(query, key, value, average_attn_weights=False)
    heard, (output, _) = listen(wrap(layer), query, key, value, need_weights=False)
    torch.testing.assert_close(heard.calls[0].weights, weights)
    torch.testing.assert_close(output, expected)
    assert heard.calls[0].error < 1e-5


def test_the_fast_path_of_a_transformer_is_off_while_one_listens_and_on_again_afterwards(wrap):
    model, rows = wrap(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)), torch.randn(2, 4, 8)
    padding = torch.tensor([[False] * 4, [False, False, True, True]])
    assert torch.backends.mha.get_fastpath_enabled()
    heard, _ = listen(model, rows, src_key_padding_mask=padding)
    assert [call.layer for call in heard.calls] == ["layers.0.self_attn", "layers.1.self_attn"]
    assert (heard.calls[0].weights[1, ..., 2:] == 0).all()
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_decoder_looks_at_itself_and_across(wrap):
    net = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    heard, _ = listen(wrap(net), torch.randn(2, 5, 8), torch.randn(2, 3, 8))
    found = {call.layer: tuple(call.weights.shape[2:]) for call in heard.calls}
    assert found == {
        "encoder.layers.0.self_attn": (5, 5), "decoder.layers.0.self_attn": (3, 3), "decoder.layers.0.multihead_attn": (3, 5)
    }  # fmt: skip


class Spelled(nn.Module):
    """Attention in words, its last step as the test wants it."""

    def __init__(self, mix):
        super().__init__()
        self.mix, self.drop = mix, nn.Dropout(0.5)

    def forward(self, query, key, value):
        return self.mix(self.drop((query @ key.mT).softmax(-1)), value)


def folded(weights, values):
    """As old code does: heads folded into the batch."""
    return torch.bmm(weights.flatten(0, 1), values.flatten(0, 1)).unflatten(0, weights.shape[:2])


@pytest.mark.parametrize(
    "mix",
    [
        lambda weights, values: weights @ values,
        torch.matmul,
        lambda weights, values: weights.to(torch.float64).float().contiguous().matmul(values),
        folded,
        lambda weights, values: torch.einsum("bhqk,bhkd->bhqd", weights, values),
        lambda weights, values: torch.einsum("bhqk, bhkd -> bqhd", weights, values),
        lambda weights, values: torch.einsum("bhkd,bhqk->bhqd", values, weights),
    ],
    ids=["@", "matmul", "cast", "bmm", "einsum", "einsum, turned", "einsum, values first"],
)
def test_attention_in_a_networks_own_words_is_heard(wrap, mix):
    query, key, value = torch.randn(3, 2, 3, 5, 4)
    heard, output = listen(wrap(Spelled(mix)), query, key, value)
    torch.testing.assert_close(heard.calls[0].weights, (query @ key.mT).softmax(-1))
    torch.testing.assert_close(heard.calls[0].values, value)
    assert heard.missed == []
    _, through = listen(wrap(Spelled(mix)), query, key, value, graph=True)
    torch.testing.assert_close(through.detach(), output)


def test_a_module_used_again_gives_a_record_each_time(wrap):
    class Again(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, rows):
            once = self.attend(rows, rows, rows)[0]
            return self.attend(once, rows, rows)[0]

    heard, _ = listen(wrap(Again()), torch.randn(2, 4, 8))
    assert [(call.layer, call.call, call.name) for call in heard.calls] == [
        ("attend", 0, "attend"), ("attend", 1, "attend (call 2)")
    ]  # fmt: skip


def test_a_network_without_attention_gives_no_record(cnn, images):
    heard, _ = listen(cnn, images)
    assert (heard.calls, heard.missed) == ([], [])


class LinearAttention(nn.Module):
    """Attention without a matrix of tokens by tokens: queries meet what keys and values made together."""

    def forward(self, query, key, value):
        context = key.softmax(-2).transpose(-2, -1) @ value
        return query.softmax(-1) @ context


def test_a_custom_attention_that_cannot_be_intercepted_is_named(wrap):
    heard, _ = listen(wrap(nn.Sequential()), torch.zeros(1, 1))
    assert heard.missed == []

    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = LinearAttention()

        def forward(self, rows):
            return self.block(rows, rows, rows)

    heard, _ = listen(wrap(Around()), torch.randn(2, 5, 4))
    assert heard.calls == []
    assert any("`block` (a LinearAttention in which no attention between tokens was seen)" in said for said in heard.missed)


def test_weights_that_multiply_no_values_are_named(wrap):
    class Gated(nn.Module):
        def forward(self, rows):
            return (rows.softmax(-1) * rows).sum(-1)

    heard, _ = listen(wrap(Gated()), torch.randn(2, 5, 4))
    assert heard.missed == ["`the network itself` (its softmax (2, 5, 4) enters no product of weights and values)"]


def test_dropped_weights_are_refused(wrap):
    with pytest.raises(ModelError, match=r"`the network itself` of tiny drops weights at random.*net.eval"):
        listen(wrap(Direct(dropout_p=0.1)), *torch.randn(3, 1, 1, 2, 4))


def test_an_attention_that_computes_something_else_is_refused(wrap, monkeypatch):
    monkeypatch.setattr("netlens.capture.listening.scaled_dot_product", _wrong)
    with pytest.raises(ModelError, match=r"weights times values miss the attention's own result by .* where 1e-05 is rounding"):
        listen(wrap(Direct()), *torch.randn(3, 1, 1, 2, 4))


def _wrong(query, key, value):
    return scaled_dot_product(query * 1.01, key, value)


def test_scripted_exported_and_compiled_networks_are_refused_with_the_reason(wrap):
    net = MnistViT(classes=3).eval()
    image = torch.randn(2, 1, 28, 28)
    with warnings.catch_warnings(action="ignore"):  # torch would rather one did not
        scripted = torch.jit.trace(net, image)
    with pytest.raises(ModelError, match="it is TorchScript"), attention(wrap(scripted)):
        pass
    exported = torch.export.export(net, (image,)).module()
    with pytest.raises(ModelError, match="it is an exported program"), attention(wrap(exported)):
        pass
    with (
        pytest.raises(ModelError, match=r"the attention of OptimizedModule cannot.*it is compiled.*made from"),
        attention(torch.compile(net)),
    ):
        pass


def test_a_network_is_left_as_it_was_when_it_raises(wrap):
    model = wrap(MnistViT(classes=3))
    with pytest.raises(RuntimeError, match="channels"), attention(model):
        model.net(torch.rand(1, 5, 28, 28))
    assert sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.net.modules()) == 0
    assert torch.backends.mha.get_fastpath_enabled()
    assert torch.overrides._get_current_function_mode() is None


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_dropped_weights_of_an_attention_in_words_are_refused_too(share):
    net = Spelled(torch.matmul).train()
    net.drop.p = share
    with pytest.raises(ModelError, match=r"`the network itself` of Spelled drops weights at random.*net.eval"), attention(net):
        net(*torch.randn(3, 2, 3, 5, 4))


@pytest.mark.parametrize(
    "mix",
    [
        lambda weights, values: torch.einsum("...qk,...kd->...qd", weights, values),
        lambda weights, values: torch.einsum("... k d, ... q k -> ... q d", values, weights),
        lambda weights, values: torch.einsum("bhqk,bhkd->bhqd", [weights, values]),
        lambda weights, values: torch.einsum("...qk,...kd->...qd", [weights, values[:1]]),
    ],
    ids=["ellipsis", "values first", "list", "values for all rows"],
)
def test_equations_with_an_ellipsis_and_lists_of_factors_are_read(wrap, mix):
    query, key, value = torch.randn(3, 2, 3, 5, 4)
    heard, output = listen(wrap(Spelled(mix)), query, key, value)
    torch.testing.assert_close(heard.calls[0].weights, (query @ key.mT).softmax(-1))
    torch.testing.assert_close(output, mix((query @ key.mT).softmax(-1), value))
    assert heard.missed == []
    _, through = listen(wrap(Spelled(mix)), query, key, value, graph=True)
    torch.testing.assert_close(through.detach(), output)


def test_an_attention_behind_a_gate_over_tokens_is_heard(wrap):
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate, self.query, self.key, self.value = (nn.Linear(4, 4) for _ in range(4))

        def forward(self, rows):
            rows = self.gate(rows).softmax(1) * rows
            return (self.query(rows) @ self.key(rows).mT).softmax(-1) @ self.value(rows)

    heard, _ = listen(wrap(Gated()), torch.randn(2, 5, 4))
    assert [tuple(call.weights.shape) for call in heard.calls] == [(2, 1, 5, 5)]
    assert heard.missed == []


def test_a_linear_attention_in_equations_is_not_taken_for_one_between_tokens(wrap):
    class Linear(nn.Module):
        def forward(self, query, key, value):
            context = torch.einsum("bnd,bne->bde", key.softmax(-2), value) / 2
            return torch.einsum("bnd,bde->bne", query.softmax(-1), context)

    heard, _ = listen(wrap(Linear()), *torch.randn(3, 2, 5, 4))
    assert heard.calls == []
    assert len(heard.missed) == 1
