"""Series with what speaks for the class behind them: what is drawn is what was measured, and the words say it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from netlens import views
from netlens.data import Batch
from netlens.errors import ShapeError
from netlens.explain import Attribution
from netlens.quality.stamp import Policy, Stamp
from tests.views.test_columns import drawn

CLASSES = ("calm", "storm")
TARGET = torch.tensor([0, 1, 0])
SERIES = torch.stack([torch.sin(torch.arange(12.0) / (row + 1)) for row in range(6)]).view(3, 2, 12)
BATCH = Batch(SERIES, SERIES.numpy() * 10, torch.zeros(3, dtype=torch.long), np.array([4, 7, 9]))
PLACED = {"time_axis": 2, "series": "4 steps along axis 2 of the inputs (N, 2, 12)"}
CAM = Attribution(torch.tensor([[[0.0, 2, 0, 0]], [[0, 0, 0, -1]], [[1, 0, 0, 0]]]), TARGET, "grad_cam", PLACED, layer="conv")
FINE = Attribution(torch.zeros(3, 2, 12).index_fill(2, torch.tensor([5]), 1.0), TARGET, "saliency")
MAKE = {"series_by_samples": lambda: views.series_by_samples([CAM, FINE], BATCH, CLASSES)}


def test_the_map_is_enlarged_to_the_steps_and_drawn_behind_the_lines():
    view = MAKE["series_by_samples"]()
    figure = drawn(view)
    panels = [axes for axes in figure.axes if axes.lines]
    assert len(panels) == 6
    (image,) = panels[0].images
    expected = torch.nn.functional.interpolate(CAM.values[:1].double(), 12, mode="linear", align_corners=False)
    np.testing.assert_allclose(image.get_array(), expected[0])
    assert image.get_clim() == (-image.get_clim()[1], image.get_clim()[1])
    assert len({panel.images[0].get_clim() for panel in (panels[0], panels[1], panels[4])}) == 1, "one scale a method"
    first, second = (line.get_ydata() for line in panels[0].lines)
    assert first.min() > second.max(), "one channel above the other"
    assert np.corrcoef(first, SERIES[0, 0])[0, 1] == pytest.approx(1)
    bars = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert len(bars) == 4, "one for each row of panels"


def test_the_words_hold_the_numbers():
    view = MAKE["series_by_samples"]()
    assert view.alt.startswith("3 series of 12 steps of 2 channels, one above the other, with Grad-CAM, Gradient as colour")
    assert "The largest value: sample 4 (calm) by Grad-CAM at step 5; sample 9 (calm) by Grad-CAM at step 1; " in view.alt
    assert "Enlarged to 12 steps: Grad-CAM (4 steps)." in view.caption
    assert view.alt.endswith(".")
    table = view.frame()
    assert table["at step"].tolist()[3:] == [6, 6, 6]
    assert table["largest"].tolist()[3:] == [2, 2, 2], "channels are added up"
    assert table["class explained"].tolist() == ["calm", "storm", "calm"] * 2


def test_rows_that_a_network_reads_as_a_series_are_drawn_in_their_units():
    rows = replace(BATCH, inputs=SERIES[:, 0], raw=BATCH.raw[:, 0])
    one = replace(CAM, params={"time_axis": 1, "series": "4 steps along axis 1 of the inputs (N, 12)"})
    panels = [axes for axes in drawn(views.methods_by_samples([one], rows, CLASSES)).axes if axes.lines]
    np.testing.assert_allclose(panels[0].lines[0].get_ydata(), 10 * SERIES[0, 0].numpy())
    turned = replace(BATCH, inputs=SERIES.mT, raw=BATCH.raw.swapaxes(1, 2))
    last = [axes for axes in drawn(views.series_by_samples([one], turned, CLASSES)).axes if axes.lines]
    assert len(last[0].lines) == 2
    assert len(last[0].lines[0].get_ydata()) == 12


def test_what_must_not_be_taken_for_evidence_says_so():
    spread = torch.full((3, 2, 12), 0.2).index_fill(2, torch.tensor([5]), 2.0)
    unsure = replace(FINE, spread=spread, delta=torch.tensor([0.0, 9.0, 0.0]), tolerance=0.01)
    given = {"grad_cam": Stamp("grad_cam", "not evidence", (), ("not evidence",) * 3, Policy())}
    view = views.series_by_samples([CAM, unsure], BATCH, CLASSES, ("CAM", "IG"), given, titles=("a", "b", "c"))
    said = [text.get_text() for axes in drawn(view).axes for text in axes.texts]
    assert said.count("not evidence") == 3
    assert said.count("does not add up") == 1
    assert said.count("no positive evidence") == 1
    assert "Stamped: the values of IG do not add up to the answer. Stamped “not evidence”, by measurement: CAM." in view.alt
    assert "Hatched: the sign is not certain" in view.caption


def test_images_are_no_series():
    with pytest.raises(ShapeError, match=r"the inputs are shaped \(3, 1, 2, 12\)\. Expected series"):
        views.series_by_samples([CAM], replace(BATCH, inputs=SERIES.unsqueeze(1)), CLASSES)


def test_nothing_is_cut_off():
    figure = drawn(MAKE["series_by_samples"]())
    for axes in figure.axes:
        box = axes.get_tightbbox()
        if box is not None:
            assert box.x0 >= figure.bbox.x0 - 1
            assert box.x1 <= figure.bbox.x1 + 1
