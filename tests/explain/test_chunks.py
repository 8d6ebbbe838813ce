"""Chunks: cut by what a row keeps in memory, halved when memory runs out, the same answer whatever the cut."""

import copy
import gc
import mmap
import platform
import subprocess
import sys
import weakref

import pytest
import torch
from torch import nn

from netlens.errors import ModelError, UsageError
from netlens.explain import EXPLAINERS, DeepLIFT, GradCAM, IntegratedGradients, Occlusion, Saliency, ScoreCAM, SmoothGrad
from netlens.explain.base import asking
from netlens.explain.chunks import blocks, plan, spans
from netlens.explain.known import known_of
from netlens.explain.memory import MEGABYTE
from netlens.explain.question import run
from netlens.models.architectures import MnistCNN


def planned(model, inputs):
    return plan(model.net, inputs, lambda rows: run(model, rows, "test"), known_of(model.net))


@pytest.mark.parametrize(("total", "size"), [(1, 1), (7, 3), (64, 64), (65, 64), (10, 100)])
def test_spans_cover_everything_once_in_even_pieces(total, size):
    pieces = [range(total)[span] for span in spans(total, size)]
    assert [place for piece in pieces for place in piece] == list(range(total))
    assert max(map(len, pieces)) <= size
    assert max(map(len, pieces)) - min(map(len, pieces)) <= 1


@pytest.mark.parametrize(("rows", "samples", "size"), [(1, 50, 64), (8, 25, 6), (64, 2, 64), (65, 3, 64), (3, 7, 10)])
def test_blocks_cover_every_pair_once(rows, samples, size):
    pairs = [
        (row, sample)
        for some, part in blocks(rows, samples, size)
        for row in range(rows)[some]
        for sample in range(samples)[part]
    ]
    assert sorted(pairs) == [(row, sample) for row in range(rows) for sample in range(samples)]
    for some, part in blocks(rows, samples, size):
        assert len(range(rows)[some]) * len(range(samples)[part]) <= size


def test_the_first_lessons_network_gets_the_chunk_that_was_measured_best(wrap):
    chosen = planned(wrap(MnistCNN(), 10), torch.rand(1, 1, 28, 28))
    assert 48 <= chosen.rows <= 128
    assert chosen.layout(1) == torch.channels_last, "its kernels lie in the processor's cache"


@pytest.mark.slow
def test_a_resnet_gets_the_chunk_that_was_measured_best(wrap):
    from torchvision.models import resnet18

    net = resnet18(weights=None, num_classes=3).eval()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    chosen = planned(wrap(net, channels=3), torch.rand(1, 3, 224, 224))
    assert 4 <= chosen.rows <= 8
    assert chosen.layout(2) == torch.contiguous_format, "turning its kernels round costs more than it saves"
    assert chosen.layout(4) == torch.channels_last


def test_what_a_row_keeps_is_what_autograd_saves(wrap):
    net = nn.Sequential(nn.Linear(1000, 500), nn.ReLU(), nn.Linear(500, 3))
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    assert planned(wrap(net), torch.rand(2, 1000)).row_bytes == pytest.approx(
        4 * 1000, abs=4
    )  # ReLU's 500 are less than the input


def test_a_plan_is_measured_once_and_forgotten_with_the_network(wrap):
    passes = []
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    net.register_forward_hook(lambda *_: passes.append(1))
    model, rows = wrap(net), torch.rand(2, 4)
    Saliency()(model, rows, 0)
    first = len(passes)
    Saliency()(model, rows, 0)
    assert len(passes) == first + 1
    gone = weakref.ref(net)
    del model, net
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("method", [Saliency(), SmoothGrad(), IntegratedGradients(n_steps=8)])
def test_a_budget_cuts_the_chunks_and_not_the_answer(cnn, images, monkeypatch, method):
    expected, rows = method(cnn, images, 0).values, []
    monkeypatch.setenv("NETLENS_MEMORY_MB", "1")
    handle = cnn.net.register_forward_pre_hook(lambda _net, inputs: rows.append(len(inputs[0])))
    found = method(cnn, images, 0).values
    handle.remove()
    kept = planned(cnn, images).row_bytes
    assert max(rows) <= max(1, MEGABYTE // (2 * kept))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("said", ["0", "-3", "much", "1.5"])
def test_a_budget_that_is_no_number_is_refused(cnn, images, monkeypatch, said):
    monkeypatch.setenv("NETLENS_MEMORY_MB", said)
    with pytest.raises(UsageError, match=rf"NETLENS_MEMORY_MB is '{said}'. Expected a whole number of megabytes"):
        Saliency()(cnn, images)


def short_of_memory(net, most, kind):
    """Let a network break, as torch does, on more than `most` rows; returns how many rows it was given each time."""
    given = []

    def refuse(_net, inputs):
        given.append(len(inputs[0]))
        if len(inputs[0]) > most:
            raise kind("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 12345 bytes.")

    return given, net.register_forward_pre_hook(refuse)


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        (Saliency(), torch.OutOfMemoryError),
        (Saliency(), MemoryError),
        (SmoothGrad(n_samples=4), RuntimeError),
        (IntegratedGradients(n_steps=4, tolerance=1.0), RuntimeError),
        (GradCAM(), RuntimeError),
        (ScoreCAM(), RuntimeError),
        (DeepLIFT(), RuntimeError),
    ],
)
def test_chunks_are_halved_when_memory_runs_out(cnn, method, kind):
    images = torch.rand(9, 1, 12, 12)
    expected = method(cnn, images, 0).values
    given, handle = short_of_memory(cnn.net, 3, kind)
    found = method(cnn, images, 0).values
    assert any(rows > 3 for rows in given)
    failures = sum(rows > 3 for rows in given)
    torch.testing.assert_close(found, expected, atol=1e-4 * float(expected.abs().max()), rtol=1e-3)
    method(cnn, images, 0)
    assert sum(rows > 3 for rows in given) == failures, "what was learnt is remembered"
    handle.remove()


def test_one_row_that_does_not_fit_is_refused(cnn, images):
    Saliency()(cnn, images, 0)
    _, handle = short_of_memory(cnn.net, 0, RuntimeError)
    with pytest.raises(ModelError, match=r"one input does not fit into memory .*can't allocate memory"):
        Saliency()(cnn, images, 0)
    handle.remove()


def test_other_errors_are_not_taken_for_a_lack_of_memory(cnn, images):
    Saliency()(cnn, images, 0)
    calls = []

    def broken(_net, _inputs):
        calls.append(1)
        raise RuntimeError("boom")

    cnn.net.register_forward_pre_hook(broken)
    with pytest.raises(ModelError, match=r"tiny broke on inputs shaped \(3, 1, 12, 12\) \(RuntimeError: boom\)"):
        Saliency()(cnn, images, 0)
    assert calls == [1]


class Viewing(nn.Module):
    """Calls `view` on its maps, which takes no channels-last tensors."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(2, 4, 3), nn.Linear(64, 3)

    def forward(self, inputs):
        maps = self.conv(inputs)
        return self.fc(maps.view(len(maps), 64))


def test_a_network_that_takes_no_channels_last_gets_none(wrap):
    model, rows = wrap(Viewing(), channels=2), torch.rand(2, 2, 6, 6)
    assert Saliency()(model, rows, 0).values.shape == rows.shape
    assert planned(model, rows).channels_last_from == 0


def test_a_network_whose_answer_depends_on_the_layout_gets_its_usual_one(wrap):
    class Raw(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(2, 4, 3), nn.Linear(64, 3)

        def forward(self, inputs):
            maps = self.conv(inputs)
            return self.fc(maps.as_strided((len(maps), 64), (64, 1)))

    assert planned(wrap(Raw(), channels=2), torch.rand(2, 2, 6, 6)).channels_last_from == 0


def test_a_network_that_writes_into_its_input_gets_a_copy(wrap, small):
    net = nn.Sequential(nn.ReLU(inplace=True), small(nn.ReLU()))
    rows = torch.randn(2, 1, 6, 6)
    expected = torch.func.grad(lambda x: net[1](torch.relu(x))[:, 0].sum())(rows)
    model = wrap(net)
    torch.testing.assert_close(Saliency()(model, rows, 0).values, expected)
    assert planned(model, rows).writes
    with asking(model, rows, None, "test") as question:
        assert torch.equal(question.inputs, rows)


def live_tensors():
    gc.collect()
    return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())


@pytest.mark.parametrize(
    "name", ["saliency", "integrated_gradients", "grad_cam", "guided_grad_cam", "deep_lift", "lrp", "score_cam"]
)
def test_nothing_is_kept_over_many_calls(cnn, images, name):
    method = EXPLAINERS[name]()
    for _ in range(3):
        method(cnn, images, 0)
    before = live_tensors()
    for _ in range(10):
        method(cnn, images, 0)
    assert live_tensors() == before


def test_a_network_that_was_rebuilt_is_looked_at_anew(wrap, images):
    """What was found out about it before holds no longer: its layers, its rules, whether it writes into its input."""
    net = nn.Sequential(nn.Identity(), nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 3))
    model, rows = wrap(net), images - 0.5
    for method in (GradCAM(), DeepLIFT(), Occlusion()):
        method(model, rows, 0)
    net[0], net[2] = nn.ReLU(inplace=True), nn.Sequential(nn.Softmax(1), nn.AvgPool2d(1))
    fresh = wrap(copy.deepcopy(net))
    assert GradCAM()(model, rows, 0).layer == "2.1"
    torch.testing.assert_close(Occlusion()(model, rows, 0).values, Occlusion()(fresh, rows, 0).values)
    with pytest.raises(ModelError, match=r"Softmax in `2\.0`"):
        DeepLIFT()(model, rows, 0)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_memory_that_was_freed_is_kept_for_the_next_chunk():
    """In a process of its own: there the allocator has learnt nothing yet."""
    program = """
import resource, torch
from netlens.explain.memory import keep_freed
keep_freed()
for turn in range(12):
    if turn == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    chunk = [torch.ones(2**21) for _ in range(4)]
    del chunk
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    pages = 10 * 4 * 2**23 // mmap.PAGESIZE
    # One tensor of the forty may find its old place taken; without it nearly all are faulted in anew.
    assert int(found.stdout) < pages / 10
