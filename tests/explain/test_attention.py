"""Explanations out of attention, against numbers worked out by hand, identities, and a hand-written attention under autograd."""

import math

import pytest
import timm
import torch
import torchvision
import transformers
from torch import nn
from torch.nn import functional

from netlens.errors import ModelError, ShapeError
from netlens.explain import AttentionRollout, GradientWeightedAttention, RawAttention, attention_maps
from netlens.explain.attention import gathered, rollout
from netlens.models.text import TextTransformer

METHODS = (RawAttention(), AttentionRollout(), GradientWeightedAttention())
every_method = pytest.mark.parametrize("method", METHODS, ids=[method.name for method in METHODS])


class Steps(nn.Module):
    """Attention among the steps (N, T, 2) of a sequence with given weights; the answer is read from the first step."""

    def __init__(self, *scores, read=0):
        super().__init__()
        self.scores, self.read = nn.ParameterList(nn.Parameter(torch.tensor(score)) for score in scores), read

    def forward(self, rows):
        for score in self.scores:
            rows = rows + functional.scaled_dot_product_attention(*[rows.unsqueeze(1)] * 3, attn_mask=score, scale=0.0).squeeze(1)
        return rows[:, self.read] if isinstance(self.read, int) else rows.mean(1)


def logs(*rows):
    """Scores whose softmax is what is given."""
    return [[math.log(value) for value in row] for row in rows]


ONE = logs((0.25, 0.75), (0.5, 0.5))
TWO = logs((0.9, 0.1), (0.2, 0.8))
ROWS = torch.tensor([[[1.0, 2.0], [3.0, 5.0]]])


def test_two_tokens_and_one_layer_by_hand(wrap):
    model = wrap(Steps(ONE), classes=2)
    assert RawAttention()(model, ROWS, 0).values.tolist() == [pytest.approx([0.25, 0.75])]
    assert AttentionRollout()(model, ROWS, 0).values.tolist() == [pytest.approx([0.625, 0.375])]
    # d logit_c / d A[0, j] is value j's component c, so weight times gradient is 0.25 * 1 and 0.75 * 3, or 0.25 * 2 and 0.75 * 5
    assert GradientWeightedAttention()(model, ROWS, 0).values.tolist() == [pytest.approx([0.25, 2.25])]
    assert GradientWeightedAttention()(model, ROWS, 1).values.tolist() == [pytest.approx([0.5, 3.75])]


def test_two_layers_by_hand(wrap):
    first, second = (torch.tensor(scores).softmax(-1) for scores in (ONE, TWO))
    half = torch.eye(2) / 2
    expected = (half + second / 2) @ (half + first / 2)
    found = AttentionRollout()(wrap(Steps(ONE, TWO), classes=2), ROWS, 0)
    torch.testing.assert_close(found.values[0], expected[0])
    torch.testing.assert_close(RawAttention(layer="network")(wrap(Steps(ONE, TWO), classes=2), ROWS, 0).values[0], first[0])


def test_rollout_of_tokens_that_look_at_themselves_is_the_token_itself(wrap):
    itself = (torch.eye(3) * 200).tolist()
    for read in (0, 2):
        found = AttentionRollout()(wrap(Steps(itself, itself, read=read), classes=2), torch.randn(2, 3, 2), 0)
        assert found.values.tolist() == [torch.eye(3)[read].tolist()] * 2
        assert found.params["read"] == f"token {read}"


def test_rollout_of_rows_that_add_up_to_one_adds_up_to_one():
    weights = [torch.rand(4, 5, 5).softmax(-1) for _ in range(6)]
    for residual in (0.0, 0.5, 1.0):
        torch.testing.assert_close(rollout(weights, torch.eye(5), residual).sum(-1), torch.ones(4, 5))


def test_gathering_is_the_papers_update_less_the_identity():
    weights = [torch.rand(2, 4, 4) for _ in range(3)]
    relevance = torch.eye(4).expand(2, 4, 4)
    for one in weights:
        relevance = relevance + one @ relevance
    torch.testing.assert_close(gathered(weights), relevance - torch.eye(4))


class OneHead(nn.Module):
    """Two heads, of which the answer uses the second alone: it looks at the last step, the first head at the first one."""

    def __init__(self):
        super().__init__()
        self.scores = nn.Parameter(torch.tensor([[[40.0, 0.0, 0.0]] * 3, [[0.0, 0.0, 40.0]] * 3]))

    def forward(self, rows):
        value = rows.unsqueeze(1).expand(-1, 2, -1, -1)
        heads = functional.scaled_dot_product_attention(value, value, value, attn_mask=self.scores, scale=0.0)
        return heads[:, 1, 0] + 0 * heads[:, 0, 0]


def test_where_one_head_matters_gradients_find_it_and_the_mean_does_not(wrap):
    model, rows = wrap(OneHead(), classes=2), torch.rand(2, 3, 2) + 1
    assert RawAttention()(model, rows, 0).values.tolist() == [pytest.approx([0.5, 0.0, 0.5])] * 2
    assert RawAttention(head=1)(model, rows, 0).values.tolist() == [pytest.approx([0.0, 0.0, 1.0])] * 2
    found = GradientWeightedAttention()(model, rows, 0).values
    torch.testing.assert_close(found, torch.stack([torch.zeros(2), torch.zeros(2), rows[:, 2, 0] / 2], 1))


def test_gradients_are_those_of_a_hand_written_attention(attentive, images):
    net, target = attentive.net, torch.tensor([0, 2, 1])
    patches = net.conv1(images).flatten(2).mT
    tokens, weights = torch.cat([net.token.expand(3, -1, -1), patches], 1), []
    for ask in net.ask:
        query, key, value = ask(tokens).view(3, 10, 3, 2, 4).permute(2, 0, 3, 1, 4)
        weights.append((query @ key.mT / 2).softmax(-1))
        tokens = tokens + (weights[-1] @ value).transpose(1, 2).reshape(3, 10, 8)
    score = net.fc2(net.norm(tokens)[:, 0]).gather(1, target.unsqueeze(1)).sum()
    gradients = torch.autograd.grad(score, weights)
    relevance = torch.eye(10).expand(3, 10, 10)
    for one, gradient in zip(weights, gradients, strict=True):
        relevance = relevance + (one * gradient).relu().mean(1) @ relevance
    found = GradientWeightedAttention()(attentive, images, target)
    torch.testing.assert_close(found.values.flatten(1), relevance[:, 0, 1:].detach(), atol=1e-7, rtol=1e-5)


def vit(**settings):
    torch.manual_seed(0)
    settings = {"embed_dim": 16, "depth": 2, "num_heads": 2, "num_classes": 3} | settings
    net = timm.models.vision_transformer.VisionTransformer(32, 8, **settings)
    nn.init.normal_(net.head.weight, std=0.1)
    return net


def plain_vit():
    net = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=3)
    nn.init.normal_(net.heads.head.weight)
    return net


class Logits(nn.Module):
    """A Hugging Face network that gives its logits."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, inputs):
        return self.net(inputs).logits


def hf_vit():
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=8,
        num_labels=3,
    )
    return Logits(transformers.ViTForImageClassification(config))


@every_method
@pytest.mark.parametrize(
    ("make", "tokens", "read"),
    [
        (plain_vit, "17 tokens: 4 x 4 patches, 1 before them without a place", "token 0"),
        (hf_vit, "17 tokens: 4 x 4 patches, 1 before them without a place", "token 0"),
        (lambda: vit(reg_tokens=2), "19 tokens: 4 x 4 patches, 3 before them without a place", "token 0"),
        (lambda: vit(class_token=False, global_pool="avg"), "16 tokens: 4 x 4 patches", "all tokens"),
        (lambda: vit(class_token=False, global_pool="map"), "16 tokens: 4 x 4 patches", "one query to all tokens"),
    ],
    ids=["torchvision", "Hugging Face", "registers", "mean of the tokens", "attention as pooling"],
)
def test_patches_and_the_token_that_is_read_are_found_and_said(wrap, method, make, tokens, read):
    found = method(wrap(make()), torch.randn(2, 3, 32, 32))
    assert found.values.shape == (2, 1, 4, 4)
    assert (found.params["tokens"], found.params["read"]) == (tokens, read)
    assert found.layer
    assert (found.values >= 0).all()


def test_an_image_that_is_not_square_has_a_grid_that_is_not(wrap):
    net = timm.models.vision_transformer.VisionTransformer((32, 64), 8, embed_dim=16, depth=1, num_heads=2, num_classes=3)
    assert AttentionRollout()(wrap(net), torch.randn(1, 3, 32, 64), 0).values.shape == (1, 1, 4, 8)


def test_a_map_lies_where_the_network_looks(wrap):
    """One bright patch that the keys answer to."""

    class Bright(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 4, stride=4)
            nn.init.ones_(self.conv.weight)

        def forward(self, images):
            tokens = self.conv(images).flatten(2).mT.unsqueeze(1)
            return functional.scaled_dot_product_attention(torch.ones_like(tokens), tokens, tokens).mean((1, 2))

    image = torch.rand(1, 1, 12, 12) / 100
    image[0, 0, 4:8, 8:12] = 1
    found = RawAttention()(wrap(Bright(), classes=2), image, 0)
    assert divmod(int(found.values.argmax()), 3) == (1, 2)
    assert found.values.max() > 0.9


def test_tokens_of_a_text_have_one_value_each(wrap):
    config = transformers.BertConfig(
        vocab_size=9, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, num_labels=3
    )
    model = wrap(Logits(transformers.BertForSequenceClassification(config)))
    for method in METHODS:
        found = method(model, torch.arange(14).view(2, 7) % 9)
        assert found.values.shape == (2, 7)
        assert found.params["read"] == "token 0"


def test_padding_is_looked_at_by_nobody(wrap):
    model, ids = wrap(TextTransformer(9, 3)), torch.tensor([[3, 4, 5, 6], [3, 4, 0, 0]])
    for method in METHODS:
        found = method(model, ids)
        assert found.values.shape == (2, 4)
        assert (found.values[1, 2:] == 0).all() or method.name == "attention_rollout"  # where a token always keeps half of itself
        assert found.values[0].min() > 0 or method.name == "gradient_weighted_attention"


def test_a_compiled_network_is_asked_as_it_was_before(attentive, images, wrap):
    expected = AttentionRollout()(attentive, images, 0).values
    torch.testing.assert_close(AttentionRollout()(wrap(torch.compile(attentive.net)), images, 0).values, expected)


def test_rows_are_independent_of_how_many_are_asked_at_once(attentive, monkeypatch):
    images = torch.rand(6, 1, 12, 12)
    together = GradientWeightedAttention()(attentive, images, 1).values
    monkeypatch.setenv("NETLENS_MEMORY_MB", "1")
    torch.testing.assert_close(GradientWeightedAttention()(attentive, images, 1).values, together)


def test_half_precision_gives_nearly_the_same(attentive, images):
    full = AttentionRollout()(attentive, images, 0).values
    attentive.net.bfloat16()
    found = AttentionRollout()(attentive, images, 0).values
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, full, atol=0.02, rtol=0.05)


def test_all_layers_and_heads_are_read(attentive, images):
    maps = attention_maps(attentive, images)
    assert [tuple(call.weights.shape) for call in maps.calls] == [(3, 2, 10, 10)] * 2
    assert maps.places.grid == (3, 3)
    assert maps.places.before == 1
    assert maps.reader.tolist() == [[1.0] + [0.0] * 9] * 3
    torch.testing.assert_close(
        maps.places.laid_out(maps.calls[1].weights.mean(1)[:, 0]), RawAttention()(attentive, images).values
    )
    assert not any(part.requires_grad for call in maps.calls for part in (call.weights, call.values, call.output))


def test_maps_of_windows_are_read_and_have_no_places(wrap):
    net = torchvision.models.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=3)
    maps = attention_maps(wrap(net), torch.randn(1, 3, 64, 64))
    assert len(maps) == 4
    assert maps.places is None
    with pytest.raises(ModelError, match=r"attends within windows: 16 of them for 1 inputs.*explain.attention_maps"):
        AttentionRollout()(wrap(net), torch.randn(1, 3, 64, 64))


def test_a_network_without_attention_has_no_maps_and_is_refused_an_explanation(cnn, images):
    assert len(attention_maps(cnn, images)) == 0
    for method in METHODS:
        with pytest.raises(ModelError, match=r"tiny has no attention\. Use saliency"):
            method(cnn, images)


def test_a_custom_attention_is_named(wrap):
    class KernelAttention(nn.Module):
        def forward(self, rows):
            return (rows @ rows.mT).relu() @ rows

    net = nn.Sequential(KernelAttention(), nn.Flatten(), nn.Linear(8, 3))
    with pytest.raises(ModelError, match=r"cannot be intercepted: `0` \(a KernelAttention in which.*Expected scaled_dot_product"):
        AttentionRollout()(wrap(net), torch.randn(2, 4, 2))
    maps = attention_maps(wrap(net), torch.randn(2, 4, 2))
    assert len(maps) == 0
    assert maps.missed == ("`0` (a KernelAttention in which no attention between tokens was seen)",)


def test_tokens_without_a_place_are_refused(wrap):
    class Shuffled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 4, 4, stride=4), nn.Linear(4, 3)

        def forward(self, images):
            tokens = self.conv(images).flatten(2).mT[:, [4, 2, 7, 1, 0, 3, 8, 6, 5]].unsqueeze(1)
            return self.fc(functional.scaled_dot_product_attention(tokens, tokens, tokens).mean((1, 2)))

    with pytest.raises(ModelError, match=r"the 9 tokens of tiny are not places of its inputs \(1, 12, 12\)"):
        AttentionRollout()(wrap(Shuffled()), torch.rand(1, 1, 12, 12))


def test_logits_that_do_not_depend_on_the_attention_are_refused(wrap):
    class Aside(nn.Module):
        def forward(self, rows):
            functional.scaled_dot_product_attention(rows, rows, rows)
            return rows.mean(1)

    with pytest.raises(ModelError, match="the logits of tiny do not depend on 'network'"):
        AttentionRollout()(wrap(Aside(), classes=2), torch.randn(1, 4, 2))


@pytest.mark.parametrize(
    ("method", "kind", "said"),
    [
        (
            RawAttention("networks"),
            ModelError,
            r"no attention in tiny called 'networks'. Did you mean 'network'\? Known: network, network \(call 2\)",
        ),
        (RawAttention(head=2), ShapeError, r"head 2 is not in 'network \(call 2\)'. Expected 0 to 1"),
        (AttentionRollout(residual=1.5), ShapeError, "residual is 1.5"),
    ],
)
def test_settings_that_make_no_sense_are_refused(attentive, images, method, kind, said):
    with pytest.raises(kind, match=said):
        method(attentive, images)


class Mean(nn.Module):
    def forward(self, rows):
        return rows.mean(1)


class SideBySide(nn.Module):
    """Two attentions that read the same tokens."""

    def __init__(self):
        super().__init__()
        self.one, self.other = (nn.MultiheadAttention(4, 2, batch_first=True) for _ in range(2))

    def forward(self, rows):
        return (self.one(rows, rows, rows)[0] + self.other(rows, rows, rows)[0]).mean(1)


class Translator(nn.Module):
    """An encoder and a decoder that read the same tokens, so that only the way of the signal tells them apart."""

    def __init__(self):
        super().__init__()
        self.both = nn.Transformer(4, 2, 1, 1, 8, batch_first=True)

    def forward(self, rows):
        return self.both(rows, rows).mean(1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (SideBySide, "'other' of tiny does not go on from 'one': it has several streams"),
        (Translator, "'both.decoder.layers.0.self_attn' of tiny does not go on from 'both.encoder.layers.0.self_attn'"),
    ],
)
def test_streams_side_by_side_are_not_followed_as_one(wrap, make, said):
    model, rows = wrap(make(), classes=4), torch.randn(2, 5, 4)
    for method in (AttentionRollout(), GradientWeightedAttention()):
        with pytest.raises(ModelError, match=said):
            method(model, rows)
    assert RawAttention()(model, rows).values.shape == (2, 5)
    assert attention_maps(model, rows).places.grid == (5,)


@pytest.mark.parametrize("ids", [torch.full((2, 5), 4), torch.tensor([[3]]), torch.zeros(1, 4, dtype=torch.long)])
def test_a_text_of_one_word_again_and_again_has_places(wrap, ids):
    net = nn.Sequential(nn.Embedding(9, 4), nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), Mean(), nn.Linear(4, 3))
    found = AttentionRollout()(wrap(net), ids)
    assert found.values.shape == ids.shape


def test_a_network_that_refuses_a_changed_input_has_no_places_and_keeps_its_name_clean(wrap):
    class Picky(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.attend, self.fc = nn.Embedding(9, 4), nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)

        def forward(self, ids):
            if not bool((ids[:, -1] == 2).all()):
                raise ValueError("every text ends with token 2")
            rows = self.embed(ids)
            return self.fc(self.attend(rows, rows, rows)[0].mean(1))

    model, ids = wrap(Picky()), torch.tensor([[4, 5, 6, 2]])
    with pytest.raises(ModelError, match="the 4 tokens of tiny are not places of its inputs"):
        AttentionRollout()(model, ids)
    maps = attention_maps(model, ids)
    assert (len(maps), maps.places) == (1, None)
