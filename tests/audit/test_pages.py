"""The pages of a report: every one can be made for every kind of data and for bad input, and says where its numbers stand."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from netlens.audit import Material, audit, pages
from netlens.data import Dataset
from netlens.errors import UsageError
from netlens.models.model import Model
from tests.audit.conftest import CLASSES, Reader, dataset, model, right_and_wrong

CHEAP = ("NL101", "NL201", "NL301", "NL302", "NL401", "NL501")


def shown(report, name):
    """What a page shows: kinds of output, and all text."""
    bundles = [part._repr_mimebundle_() for part in pages.page(report, name).parts]
    texts = [data.get("text/markdown", data["text/plain"]) for data, _ in bundles]
    return bundles, "\n".join(texts)


def resolve(document, pointer):
    for key in pointer.removeprefix("/").split("/"):
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


@pytest.fixture(scope="module")
def plain():
    train = dataset(*right_and_wrong((0, 0, 0), 20), split="train", seed=1)
    return audit(
        model(Reader(4.0)), Material(dataset(*right_and_wrong((4, 5, 3), 60)), train), checks=CHEAP, profile="quick", n_worst=2
    )


@pytest.mark.parametrize("name", [name for name in pages.PAGES if name != "belief in explanations"])
def test_every_number_on_a_page_has_a_place_in_the_document(plain, name):
    bundles, text = shown(plain, name)
    assert text.strip()
    document = json.loads(json.dumps(plain.document()))
    for data, metadata in bundles:
        for pointer in metadata["netlens"]["numbers"]:
            resolve(document, pointer)
        if "image/png" in data:
            assert metadata["netlens"]["alt"]


def test_what_was_noted_of_the_network_stands_on_the_page_about_it(plain):
    assert "Noted when it was loaded" not in shown(plain, "model")[1]
    network = replace(plain.subject.model, notes=("'net.pth' was unpickled, which can run any code", "it gives probabilities"))
    noted = replace(plain, subject=replace(plain.subject, model=network))
    bundles, text = shown(noted, "model")
    assert "Noted when it was loaded: 'net.pth' was unpickled, which can run any code; it gives probabilities." in text
    pointers = [pointer for _, metadata in bundles for pointer in metadata["netlens"]["numbers"]]
    assert resolve(noted.document(), pointers[pointers.index("/model/notes")]) == list(network.notes)


def test_an_area_leads_with_its_gravest_finding(plain):
    starved = audit(model(Reader(4.0)), Material(dataset(*right_and_wrong((0, 100, 0))), None), checks=CHEAP)
    assert shown(starved, "performance")[1].startswith("**The class found least often is two: 60 of 100")
    assert "FAIL" in shown(starved, "performance")[1]
    assert shown(plain, "robustness")[1] == "No check of this is in this report."


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_report_is_made_of_answers_that_are_no_numbers(name):
    broken = audit(model(Reader(math.nan)), Material(dataset(*right_and_wrong((0, 0, 0), 20)), None), checks=CHEAP)
    assert shown(broken, name)[1].strip()


class Pick(torch.nn.Module):
    """Answers with one column of a table."""

    def __init__(self):
        super().__init__()
        self.pick = torch.nn.Linear(4, 3)

    def forward(self, inputs):
        return self.pick(inputs)


@pytest.mark.parametrize("name", [name for name in pages.PAGES if name != "belief in explanations"])
def test_a_report_is_made_of_a_table(name, table_report):
    _, text = shown(table_report, name)
    assert text.strip()
    assert "image" not in text or name in ("rules", "thresholds", "crosswalk", "tested", "summary")


@pytest.fixture(scope="module")
def table_report():
    draw = np.random.default_rng(0)
    raw = draw.normal(size=(90, 4)).astype(np.float32)
    features = ("age", "height", "weight", "pulse")

    def take(raw):
        return torch.from_numpy(np.asarray(raw, dtype=np.float32))

    data = Dataset("people", "test", CLASSES, raw, np.arange(90) % 3, take, "table", features)
    torch.manual_seed(0)
    return audit(Model(Pick().eval(), "pick", CLASSES, take), Material(data, None), checks=CHEAP, profile="quick")


def test_the_worst_rows_of_a_table_are_listed(table_report):
    assert "age " in shown(table_report, "worst cases")[1]
    assert "The model reads rows." in shown(table_report, "scope")[1]
    assert re.search(r"(age|height|weight|pulse) \([+−]", shown(table_report, "explanations")[1])


def test_an_unknown_page_is_refused(plain):
    with pytest.raises(UsageError, match=r"there is no page 'fairnes'\. Did you mean 'fairness'"):
        pages.page(plain, "fairnes")
