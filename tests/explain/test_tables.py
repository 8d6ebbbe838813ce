"""Every method on rows of a table: values for each column, or a refusal that names what works."""

import re

import pytest
import torch

from netlens.data import Standardise
from netlens.errors import NetlensError
from netlens.explain import EXPLAINERS
from netlens.models import Model
from netlens.models.tables import TableMLP

REFUSED = {name for name in EXPLAINERS if "cam" in name or "attention" in name} | {"rise"}
COLUMNS = 5


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Model(TableMLP(COLUMNS, 3, 8).eval(), "rows", ("a", "b", "c"), Standardise((0.0,) * COLUMNS, (1.0,) * COLUMNS))


def made(name):
    settings = {"baseline": "zero"} if name in ("integrated_gradients", "deep_lift") else {}
    settings |= {"layer": "fc2"} if name == "neuron_gradient" else {"n_samples": 32} if name == "partition_shap" else {}
    return EXPLAINERS[name](**settings)


@pytest.mark.parametrize("name", sorted(EXPLAINERS.keys() - REFUSED))
def test_a_method_gives_each_column_a_value(name, model):
    rows = torch.randn(2, COLUMNS)
    found = made(name)(model, rows)
    assert found.values.shape == rows.shape
    assert found.values.isfinite().all()
    assert found.values.abs().sum() > 0


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_method_for_images_says_why_not_and_what_else(name, model):
    with pytest.raises(NetlensError, match="Use ") as caught:
        made(name)(model, torch.randn(2, COLUMNS))
    named = set(re.findall(r"[a-z]+(?:_[a-z]+)*", caught.value.remedy))
    assert named & (EXPLAINERS.keys() - REFUSED), caught.value


@pytest.mark.parametrize("name", ["integrated_gradients", "deep_lift"])
def test_a_black_baseline_is_no_row_and_zero_is_offered(name, model):
    with pytest.raises(NetlensError, match=r"a black image was asked for .* Use baseline='zero'"):
        EXPLAINERS[name](baseline="black")(model, torch.randn(2, COLUMNS))
