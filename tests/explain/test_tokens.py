"""Texts explained: closed forms on a sum of words, exact Shapley values, completeness, parts of words."""

from itertools import combinations
from math import factorial

import pytest
import torch
from torch import nn

from netlens.data.text import WordTokens
from netlens.data.text_pretrained import PretrainedTokens
from netlens.errors import ModelError, ShapeError, UsageError
from netlens.explain import (
    LIME,
    LRP,
    RISE,
    DeepLIFT,
    DeepSHAP,
    ExpectedGradients,
    GradCAM,
    GradientSHAP,
    GradientXInput,
    IntegratedGradients,
    KernelSHAP,
    Occlusion,
    PartitionSHAP,
    RawAttention,
    RuleTree,
    Saliency,
    SmoothGrad,
    VarGrad,
    embedded,
    text,
)
from netlens.models.model import Model
from netlens.models.text import TextLSTM, TextTransformer
from netlens.quality import Deletion, FaithfulnessCorrelation

WORDS = ["the", "file", "was", "closed", "before", "it", "could", "be", "read", ";", "a", "number", "is", "not", "a", "film", "!"]
READER = WordTokens.fit([" ".join(WORDS)], at_least=1)
TEXTS = ["The file was closed before it could be read", "a number is not a film!", "zorkmid file"]


class SumOfWords(nn.Module):
    """Each word adds its own weights to the logits: every method has a closed form."""

    def __init__(self, vocabulary: int, classes: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, classes, padding_idx=0)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.embedding(ids).sum(1)


class MeanThenReLU(nn.Module):
    """The mean of embeddings through a hidden layer: rules apply to it."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 6, padding_idx=0)
        self.fc1, self.relu, self.fc2 = nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.fc2(self.relu(self.fc1(self.embedding(ids).mean(1))))


def model_of(net: nn.Module, reader: object = READER) -> Model:
    return Model(net.eval(), type(net).__name__, ("a", "b", "c"), reader)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def linear() -> Model:
    torch.manual_seed(0)
    return model_of(SumOfWords(len(READER)))


@pytest.fixture(scope="module", params=["lstm", "transformer"])
def network(request) -> Model:
    torch.manual_seed(1)
    kind = {"lstm": TextLSTM, "transformer": TextTransformer}[request.param]
    net = kind(len(READER), 3, width=8)
    with torch.no_grad():
        net.embedding.weight.mul_(8)
    return model_of(net)


@pytest.fixture(scope="module")
def bert() -> Model:
    """A BERT of Hugging Face with random weights, and a tokenizer of parts of words: nothing is downloaded."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "file", "was", "un", "##open", "##ed", "close", "##d", "."]
    made = Tokenizer(models.WordPiece({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    reader = PretrainedTokens(PreTrainedTokenizerFast(tokenizer_object=made, **marks), longest=16)
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 16,
    }
    net = BertForSequenceClassification(BertConfig(vocab_size=len(names), num_labels=3, initializer_range=0.5, **sizes))
    return model_of(Adapted(net), reader)


class Adapted(nn.Module):
    """Token ids to one tensor of logits; padding is not looked at."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.net(input_ids=ids, attention_mask=(ids != 0).long()).logits


def by_word(model: Model, method, texts, target=None, **options) -> list[list[float]]:
    """The values of the words of each text."""
    table = text(model, method, texts, target, **options).params["feature_values"]
    return [row[~row.isnan()].tolist() for row in table]


def weights(model: Model, target: int, *, less: int | None = None) -> list[list[float]]:
    """What each word of `TEXTS` adds to a logit of the sum of words, less what the token `less` adds."""
    table = model.net.embedding.weight.detach()[:, target].double()
    start = 0.0 if less is None else float(table[less])
    return [[float(table[number]) - start for number in row if number] for row in READER(TEXTS).tolist()]


EXACT = (IntegratedGradients(), KernelSHAP(), PartitionSHAP(), Occlusion(), LIME(penalty=0.0), DeepLIFT(), ExpectedGradients(), GradientSHAP(), DeepSHAP())  # fmt: skip


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.name)
def test_on_a_sum_of_words_every_method_gives_what_a_word_adds(linear: Model, method) -> None:
    found, wanted = by_word(linear, method, TEXTS, 1), weights(linear, 1, less=READER.unknown)
    for row, truth in zip(found, wanted, strict=True):
        assert row == pytest.approx(truth, abs=1e-4)


@pytest.mark.parametrize("method", [GradientXInput(), LRP()], ids=lambda method: method.name)
def test_gradient_x_input_and_lrp_on_a_sum_of_words_give_the_weight_itself(linear: Model, method) -> None:
    for row, truth in zip(by_word(linear, method, TEXTS, 2), weights(linear, 2), strict=True):
        assert row == pytest.approx(truth, abs=1e-5)


@pytest.mark.parametrize("method", [Saliency(), SmoothGrad(n_samples=4)], ids=lambda method: method.name)
def test_a_gradient_is_told_by_its_length(linear: Model, method) -> None:
    found = text(linear, method, TEXTS, 0)
    assert found.params["over"] == "length"
    assert [pytest.approx([1.0] * len(words)) for words in found.params["words"]] == by_word(linear, method, TEXTS, 0)


def test_var_grad_of_a_linear_network_is_zero(linear: Model) -> None:
    assert text(linear, VarGrad(n_samples=4), TEXTS, 0).values.abs().max() == 0


def test_rule_tree_names_words(linear: Model) -> None:
    long, short = text(linear, RuleTree(leaves=3), TEXTS[1:], 0).params["rules"]
    assert any(f"“{word}” is shown" in rule for rule in long for word in ("number", "is", "not", "film"))
    assert any("“file” is shown" in rule for rule in short)  # the other word is unknown: hidden or shown, it is the same


def shapley(model: Model, ids: torch.Tensor, target: int, missing: int) -> list[float]:
    """Shapley values of the tokens of one text (T,) by their definition."""
    count = len(ids)

    def score(shown: tuple[int, ...]) -> float:
        kept = torch.full_like(ids, missing)
        kept[list(shown)] = ids[list(shown)]
        return float(model.logits(kept[None])[0, target])

    scores = {shown: score(shown) for size in range(count + 1) for shown in combinations(range(count), size)}
    values = []
    for player in range(count):
        rest = [other for other in range(count) if other != player]
        total = 0.0
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for shown in combinations(rest, size):
                total += weight * (scores[tuple(sorted((*shown, player)))] - scores[shown])
        values.append(total)
    return values


def test_kernel_shap_of_a_short_text_is_exact(network: Model) -> None:
    sentence = "a number is not a film"
    exact = shapley(network, READER([sentence])[0], 1, READER.unknown)
    (found,) = by_word(network, KernelSHAP(), [sentence], 1)
    assert found == pytest.approx(exact, abs=1e-4)


def test_integrated_gradients_add_up_to_the_change_from_the_text_without_words(network: Model) -> None:
    found = text(network, IntegratedGradients(), TEXTS, 0)
    ids = READER(TEXTS)
    change = (network.logits(ids) - network.logits(torch.where(ids == 0, 0, READER.unknown)))[:, 0]
    assert found.complete.all()
    assert found.values.sum(1) == pytest.approx(change, rel=0.02, abs=1e-3)
    assert found.params["feature_values"].nansum(1) == pytest.approx(found.values.sum(1), abs=1e-4)


@pytest.mark.parametrize(
    "method", [IntegratedGradients(), Saliency(), KernelSHAP(n_samples=40), Occlusion()], ids=lambda method: method.name
)
def test_a_batch_of_texts_equals_its_texts(network: Model, method) -> None:
    together = text(network, method, TEXTS, 1)
    assert together.values.shape == (3, 9)
    assert together.values[READER(TEXTS) == 0].abs().max() == 0
    for row, (sentence, words) in enumerate(zip(TEXTS, together.params["words"], strict=True)):
        alone = text(network, method, sentence, 1)
        assert alone.values[0] == pytest.approx(together.values[row, : len(words)], abs=1e-4)


def test_the_network_is_left_as_it_was(network: Model) -> None:
    network.net.train()
    before = {name: value.clone() for name, value in network.net.state_dict().items()}
    text(network, IntegratedGradients(), TEXTS)
    text(network, KernelSHAP(n_samples=40), TEXTS)
    assert network.net.training
    network.net.eval()
    assert all(torch.equal(value, before[name]) for name, value in network.net.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.net.parameters())
    assert not any(module._forward_hooks for module in network.net.modules())


def test_hooks_go_when_the_network_raises(network: Model) -> None:
    with pytest.raises(ZeroDivisionError), embedded(network, READER(TEXTS[:1])):
        raise ZeroDivisionError
    assert not any(module._forward_hooks for module in network.net.modules())


def test_embeddings_give_the_logits_of_the_tokens(network: Model) -> None:
    ids = READER(TEXTS[:1])
    with embedded(network, ids) as behind:
        assert behind.inputs.shape == (1, 9, 8)
        assert torch.allclose(behind.model.logits(behind.inputs), network.logits(ids), atol=1e-5)
        assert torch.allclose(behind.model.logits(behind.blank), network.logits(torch.full_like(ids, READER.unknown)), atol=1e-5)


def test_deleting_a_word_is_the_text_without_it(network: Model) -> None:
    sentence = "a number is not film"
    words = sentence.split()
    (found,) = by_word(network, Occlusion(), [sentence], 2, absent="delete")
    whole = float(network.logits(READER([sentence]))[0, 2])
    without = [" ".join(words[:place] + words[place + 1 :]) for place in range(len(words))]
    assert found == pytest.approx([whole - float(network.logits(READER([one]))[0, 2]) for one in without], abs=1e-5)


def test_words_side_by_side_share_their_fall(linear: Model) -> None:
    (found,) = by_word(linear, Occlusion(patch=2, stride=1), TEXTS[1:2], 0)
    single = weights(linear, 0, less=READER.unknown)[1]
    pairs = [single[place] + single[place + 1] for place in range(len(single) - 1)]
    assert found[0] == pytest.approx(pairs[0] / 2, abs=1e-5)
    assert found[2] == pytest.approx((pairs[1] + pairs[2]) / 4, abs=1e-5)


def test_drawn_words_come_from_the_training_texts(linear: Model) -> None:
    found = text(linear, KernelSHAP(), TEXTS[:1], 0, absent="drawn", training=["file file file"])
    table = linear.net.embedding.weight.detach()[:, 0]
    wanted = table[READER(TEXTS[:1])[0]] - table[READER(["file"])[0, 0]]
    assert found.params["feature_values"][0].float() == pytest.approx(wanted, abs=1e-4)
    assert found.params["feature_spread"].max() < 1e-4
    several = text(linear, KernelSHAP(), TEXTS[:1], 0, absent="drawn", training=["file read film number"])
    assert several.params["feature_spread"].min() > 0.01
    assert several.params["replacement"] == "drawn"


@pytest.mark.parametrize("method", [IntegratedGradients(), KernelSHAP(), Occlusion(), Saliency()], ids=lambda method: method.name)
def test_parts_of_words_are_added_up_and_marks_stay(bert: Model, method) -> None:
    sentence = "the file was unopened."
    found = text(bert, method, [sentence, "closed file"], 1)
    assert found.params["words"][0] == ("the", "file", "was", "unopened", ".")
    assert found.values.shape == (2, 9)
    assert found.params["feature_map"][0].tolist() == [5, 0, 1, 2, 3, 3, 3, 4, 5]
    if method.name != "saliency":
        words = found.params["feature_values"][0]
        assert float(words[3]) == pytest.approx(float(found.values[0, 4:7].sum()), abs=1e-4)


def test_a_word_of_several_tokens_is_hidden_as_a_whole(bert: Model) -> None:
    ids = bert.preprocess(["the file was unopened."])
    hidden = ids.clone()
    hidden[0, 4:7] = 4
    (found,) = by_word(bert, Occlusion(), ["the file was unopened."], 1)
    assert found[3] == pytest.approx(float((bert.logits(ids) - bert.logits(hidden))[0, 1]), abs=1e-5)


def test_integrated_gradients_of_bert_start_from_masks_between_its_marks(bert: Model) -> None:
    found = text(bert, IntegratedGradients(max_steps=2048), ["the file was unopened."], 1)
    ids = bert.preprocess(["the file was unopened."])
    masked = torch.where((ids == 2) | (ids == 3), ids, 4)
    assert found.params["replacement"] == "mask"
    assert float(found.values.sum()) == pytest.approx(float((bert.logits(ids) - bert.logits(masked))[0, 1]), rel=0.02, abs=2e-3)
    assert found.values[0, [0, -1]].abs().max() == 0


def test_hiding_words_by_the_ranking_of_an_explanation(linear: Model) -> None:
    ids = READER(TEXTS)
    found = text(linear, KernelSHAP(), TEXTS, 1)
    good = Deletion(features="own", output="logit", n_random=20)(linear, found, ids)
    assert good.values.min() > 0
    assert FaithfulnessCorrelation(features="own")(linear, found, ids).own[:2].min() > 0.999


class TwoPlaces(nn.Module):
    """Tokens are read by an embedding, and counted besides."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(READER), 3)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.embedding(ids).sum(1) + ids.float().sum(1, keepdim=True)


class NoEmbedding(nn.Module):
    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(ids, len(READER)).float().sum(1)[:, :3]


@pytest.mark.parametrize(
    ("net", "said"), [(TwoPlaces(), "gives other logits from the embeddings"), (NoEmbedding(), "has no embedding layers")]
)
def test_networks_that_read_tokens_elsewhere_are_refused(net: nn.Module, said: str) -> None:
    with pytest.raises(ModelError, match=f"{said}.*kernel_shap"):
        text(model_of(net), IntegratedGradients(), TEXTS)
    assert text(model_of(net), KernelSHAP(), TEXTS).values.isfinite().all()


@pytest.mark.parametrize(
    ("method", "options", "error", "said"),
    [
        (IntegratedGradients(), {"absent": "delete"}, UsageError, "reads gradients at embeddings"),
        (KernelSHAP(), {"absent": "zero"}, UsageError, "needs a token in their place"),
        (KernelSHAP(), {"absent": "mask"}, UsageError, "no token of this vocabulary 'mask'"),
        (KernelSHAP(), {"absent": "nothing"}, UsageError, "no replacement for words 'nothing'"),
        (KernelSHAP(), {"absent": "drawn"}, UsageError, "no texts were given"),
        (KernelSHAP(), {"training": ["file"]}, UsageError, "texts to draw from were given"),
        (KernelSHAP(features="steps"), {}, UsageError, "features of its own"),
        (KernelSHAP(replacement="pad"), {"absent": "unk"}, UsageError, "a replacement of its own"),
        (Occlusion(patch=20), {}, ShapeError, "the patch is 20"),
        (RISE(), {}, ShapeError, r"Expected images.*Use kernel_shap"),
        (GradCAM(), {}, ModelError, "no layer with maps"),
    ],
)  # fmt: skip
def test_choices_that_do_not_fit_are_refused(linear: Model, method, options, error, said) -> None:
    with pytest.raises(error, match=said):
        text(linear, method, TEXTS, **options)


def test_one_word_alone_has_nothing_to_be_compared_with(linear: Model) -> None:
    with pytest.raises(ShapeError, match="has one word only"):
        text(linear, LIME(), ["file"])
    assert text(linear, IntegratedGradients(), ["file"]).values.shape == (1, 1)


def test_a_model_of_images_takes_no_texts(linear: Model) -> None:
    from dataclasses import replace

    from netlens.data import Preprocess

    with pytest.raises(UsageError, match="takes no texts: its preprocessing is a Preprocess"):
        text(replace(linear, preprocess=Preprocess((0.5,), (0.5,))), Saliency(), TEXTS)


@pytest.mark.parametrize(
    "method", [Saliency(), IntegratedGradients(), SmoothGrad(), GradCAM(), DeepLIFT(), RISE()], ids=lambda method: method.name
)
def test_ids_given_to_a_method_that_needs_gradients_are_refused(linear: Model, method) -> None:
    with pytest.raises(ShapeError, match=r"ids of tokens, which have no gradient.*Use explain\.text"):
        method(linear, READER(TEXTS))


def test_padding_is_no_sentence_of_one_length(linear: Model) -> None:
    with pytest.raises(ShapeError, match="the texts hold padding"), embedded(linear, READER(TEXTS)):
        pass
    with pytest.raises(ShapeError, match="Expected ids of tokens"), embedded(linear, torch.zeros(2, 3)):
        pass


def test_attention_tells_each_word_a_share_and_has_no_sign() -> None:
    torch.manual_seed(1)
    model = model_of(TextTransformer(len(READER), 3, width=8))
    found = text(model, RawAttention(), TEXTS)
    assert found.params["over"] == "attention"
    assert found.params["feature_values"].nansum(1) == pytest.approx([1.0] * 3, abs=1e-4)
    assert found.values.min() >= 0
    with pytest.raises(ModelError, match="attention"):
        text(model_of(TextLSTM(len(READER), 3, width=8)), RawAttention(), TEXTS)


def test_coverage_is_asked_at_the_embeddings() -> None:
    model, ids = model_of(TextLSTM(len(READER), 3, width=8)), READER(TEXTS[:1])
    with pytest.raises(ShapeError, match=r"ids of tokens have no gradient.*explain\.embedded"):
        model.coverage("deep_lift", ids)
    with embedded(model, ids) as behind:
        assert any("LSTM" in str(fault) for fault in behind.model.coverage("deep_lift", behind.inputs))
    plain = model_of(MeanThenReLU(len(READER)))
    with embedded(plain, ids) as behind:
        assert behind.model.coverage("deep_lift", behind.inputs) == []


@pytest.mark.parametrize("method", [DeepLIFT(), DeepSHAP()], ids=lambda method: method.name)
def test_rules_apply_to_texts_where_every_layer_has_one(method) -> None:
    torch.manual_seed(2)
    model = model_of(MeanThenReLU(len(READER)))
    found = text(model, method, TEXTS[:1], 0)
    change = model.logits(READER(TEXTS[:1]))[0, 0] - model.logits(torch.full_like(READER(TEXTS[:1]), READER.unknown))[0, 0]
    assert found.complete.all()
    assert float(found.values.sum()) == pytest.approx(float(change), abs=1e-4)
