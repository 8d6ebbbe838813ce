"""Weak segments: silent on none, found when planted, and no more false alarms than promised."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from netlens.behaviour.nuisances import THIRDS, nuisances, of_images, of_rows, of_texts, thirds
from netlens.behaviour.slices import benjamini_hochberg, slices
from netlens.errors import ShapeError
from tests.behaviour.conftest import images


def attributes(n, seed, count=6):
    draw = np.random.default_rng(seed)
    return {f"attribute {k}": draw.choice(["a", "b", "c"], n) for k in range(count)}


def test_by_hand():
    right = np.array([True] * 50 + [False] * 10 + [True] * 60)
    where = {"place": np.array(["here"] * 60 + ["there"] * 60)}
    found = slices(right, where)
    here, there = found.slices
    assert (here.name, here.rate.hits, here.rate.n, here.rest.hits) == ("place: here", 50, 60, 60)
    assert here.gap == pytest.approx(1 - (50 / 60) / (110 / 120))
    assert here.gap_low < here.gap < here.gap_high
    assert here.p == pytest.approx(fisher_exact([[50, 10], [60, 0]], alternative="less").pvalue)
    assert here.q == pytest.approx(2 * here.p)
    assert found.weak == (here,)
    assert there.p == 1


def test_the_correction_is_the_one_of_scipy():
    p = np.random.default_rng(0).random(20) ** 2
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))
    assert benjamini_hochberg(np.array([])).tolist() == []


def test_equal_segments_are_rarely_called_weak():
    alarms = sum(
        bool(slices(np.random.default_rng(seed).random(600) < 0.9, attributes(600, seed + 1000)).weak) for seed in range(200)
    )
    assert alarms <= 16  # 5 % of 200, and three standard deviations less than that more


def test_a_planted_segment_comes_first():
    found = attributes(900, 0)
    right = np.random.default_rng(0).random(900) < np.where(found["attribute 3"] == "b", 0.75, 0.95)
    result = slices(right, found)
    assert result.slices[0].name == "attribute 3: b"
    assert result.weak[0] == result.slices[0]


def test_small_segments_are_not_judged():
    result = slices(np.ones(100, dtype=bool), {"place": np.array(["a"] * 20 + ["b"] * 80)})
    assert (result.slices, result.skipped) == ((), 2)  # "b" leaves too few others to compare with


def test_all_wrong():
    result = slices(np.zeros(100, dtype=bool), {"place": np.array(["a", "b"] * 50)})
    assert [one.gap for one in result.slices] == [0, 0]
    assert result.weak == ()


def test_values_that_do_not_fit():
    with pytest.raises(ShapeError, match="'place' has 3 values for 4 samples"):
        slices(np.ones(4, dtype=bool), {"place": np.array(["a", "b", "c"])})
    with pytest.raises(ShapeError, match="there is no sample"):
        slices(np.ones(0, dtype=bool), {})


def test_nuisances_of_images_by_hand():
    raw = np.zeros((2, 4, 4), dtype=np.uint8)
    raw[1, 1:3, 1:3] = 255
    found = of_images(raw)
    assert found["brightness"].tolist() == [0, 0.25]
    assert found["contrast"].tolist() == [0, pytest.approx(0.75**0.5 / 2)]
    assert found["area"].tolist() == [0, 0.25]
    assert found["sharpness"].tolist() == [0, pytest.approx(2 * 4 / 12)]
    assert "colourfulness" not in found
    colours = of_images(np.stack([raw, raw, np.zeros_like(raw)], axis=-1))
    assert colours["colourfulness"].tolist() == [0, 0.25]


def test_nuisances_of_texts_and_rows_by_hand():
    found = of_texts(np.array(["a fine day", "", "no"]))
    assert found["words"].tolist() == [3, 0, 1]
    assert found["letters a word"].tolist() == [pytest.approx(8 / 3), 0, 2]
    rows = of_rows(np.array([[0.0, np.nan], [1.0, 0.0]]))
    assert rows["missing entries"].tolist() == [1, 0]
    assert rows["zero entries"].tolist() == [1, 1]


def test_nuisances_of_a_data_set_are_those_of_its_samples():
    data = images(20)
    assert nuisances(data)["brightness"].tolist() == of_images(data.raw)["brightness"].tolist()


def test_thirds():
    found = thirds({"size": np.arange(9.0), "same": np.ones(9)})
    assert list(found) == ["size"]
    assert found["size"].tolist() == [name for name in THIRDS for _ in range(3)]
