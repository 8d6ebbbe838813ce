"""Samples as points in a plane or in space, by what a late layer makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from netlens.capture import Hook, hooked
from netlens.data import Dataset
from netlens.errors import ModelError, ShapeError, unknown
from netlens.internals.stream import batches, run
from netlens.internals.trace import first_tensor
from netlens.models.model import Model, evaluation
from netlens.models.still import eager

OPERATION = "projection"
NEIGHBOURS = 10
Method = Literal["pca", "tsne"]


@dataclass(frozen=True)
class Projection:
    """Points (N, 2 or 3) and what they stand for.

    `layer` : whose input was projected, `features` numbers a sample. `kept` : for PCA, the share of the variance along each axis, else empty.
    `trust` : trustworthiness, the share of the neighbours in the picture that are neighbours among the features too, weighed by how far
    off they are; 1 is best. `agreement` : the mean share of a point's 10 nearest points in the picture that have its label.
    """

    points: NDArray[np.float64]
    labels: NDArray[np.int64]
    answers: NDArray[np.int64]
    ids: NDArray[np.int64]
    classes: tuple[str, ...]
    layer: str
    features: int
    method: str
    kept: tuple[float, ...]
    trust: float
    agreement: float

    def frame(self) -> pd.DataFrame:
        """One row a sample."""
        axes = {f"axis {axis + 1}": self.points[:, axis] for axis in range(self.points.shape[1])}
        named = {key: [self.classes[i] for i in values] for key, values in (("label", self.labels), ("answer", self.answers))}
        return pd.DataFrame({"sample": self.ids, **named, **axes})


def projection(
    model: Model, samples: Dataset, layer: str = "", *, method: Method = "pca", axes: int = 2, seed: int = 0, most: int = 1000
) -> Projection:
    """Project the features that a layer receives, by default what the last linear layer receives.

    Parameters
    ----------
    method : `pca`, a shadow of the features in which distances are true as far as they go; `tsne`, which keeps neighbours and no distances.
    axes : 2 or 3. seed : of t-SNE. most : samples used, from the start of the data set.

    Raises
    ------
    UsageError : the method is unknown. ModelError : there is no linear layer, or the named one does not exist.
    ShapeError : fewer samples than a picture needs, or not 2 or 3 axes.
    """
    if method not in ("pca", "tsne"):
        raise unknown(OPERATION, "method", method, ("pca", "tsne"))
    if axes not in (2, 3):
        raise ShapeError(OPERATION, f"{axes} axes were asked for", expected="2 or 3")
    n = min(most, len(samples))
    if n < 3 * NEIGHBOURS:
        raise ShapeError(OPERATION, f"there are {n} samples", expected=f"at least {3 * NEIGHBOURS}")
    model = eager(model)
    layer = layer or penultimate(model)
    features, logits, labels = _features(model, samples, layer, n)
    points, kept = pca(features, axes) if method == "pca" else (_tsne(features, axes, seed), ())
    from sklearn.manifold import trustworthiness
    from sklearn.neighbors import NearestNeighbors

    trust = float(trustworthiness(features, points, n_neighbors=NEIGHBOURS))
    near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(points).kneighbors(return_distance=False)
    agreement = float((labels[near] == labels[:, None]).mean())
    answers = logits.argmax(1)
    return Projection(
        points, labels, answers, np.arange(n), tuple(samples.classes), layer, features.shape[1], method, kept, trust, agreement
    )


def penultimate(model: Model) -> str:
    """The path of the last linear layer, whose input is what the network judges by; without one, that of the last convolution.

    Raises
    ------
    ModelError : there is none.
    """
    for kinds in ((torch.nn.Linear,), (torch.nn.Conv1d, torch.nn.Conv2d)):
        if found := [path for path, layer in model.layers.items() if isinstance(layer, kinds)]:
            return found[-1]
    problem = f"{model.name} has no linear layer and no convolution"
    raise ModelError(OPERATION, problem, remedy="Name the layer whose input is to be projected.")


def pca(features: NDArray[np.float64], axes: int) -> tuple[NDArray[np.float64], tuple[float, ...]]:
    """Coordinates along the directions of the largest variance, and its share along each; the largest entry of a direction is positive."""
    centred = features - features.mean(0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    if len(sizes) < axes:
        raise ShapeError(OPERATION, f"the layer receives {features.shape[1]} numbers", expected=f"at least {axes}")
    signs = np.sign(directions[np.arange(len(sizes)), np.abs(directions).argmax(1)])
    points = centred @ (directions[:axes] * signs[:axes, None]).T
    total = float((sizes**2).sum()) or 1.0
    return points, tuple(float(size**2) / total for size in sizes[:axes])


def _tsne(features: NDArray[np.float64], axes: int, seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE

    start = pca(features, min(50, *features.shape))[0]
    points: NDArray[np.float64] = TSNE(
        axes, perplexity=min(30.0, len(features) / 4), init="pca", random_state=seed
    ).fit_transform(start)
    return points.astype(np.float64)


def _features(
    model: Model, samples: Dataset, layer: str, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.int64]]:
    """What the layer receives in its last call, (n, features); averaged over places or steps where it has some."""
    rows: list[torch.Tensor] = []
    logits: list[torch.Tensor] = []
    seen: dict[str, torch.Tensor] = {}

    def make(path: str) -> Hook:
        def keep(_module: torch.nn.Module, given: tuple[Any, ...], named: dict[str, Any], _output: Any) -> None:
            received = first_tensor((*given, named))
            if received is not None:
                seen[path] = received.detach().float().cpu()

        return keep

    ids = np.arange(n)
    with evaluation(model.net), torch.no_grad(), hooked(model, [layer], make, OPERATION, keywords=True):
        for inputs, _ in batches(samples.take(ids.tolist()).inputs, 256, OPERATION):
            seen.clear()
            logits.append(run(model, inputs, OPERATION).float().cpu())
            received = seen.get(layer)
            if received is None or received.ndim < 2 or len(received) != len(inputs):
                found = "nothing" if received is None else f"{tuple(received.shape)} for a batch of {len(inputs)}"
                problem = f"the layer '{layer}' of {model.name} receives {found}"
                raise ModelError(OPERATION, problem, expected="numbers with a row for each sample")
            rows.append(
                received if received.ndim == 2 else received.flatten(2).mean(2) if received.ndim == 4 else received.mean(1)
            )
    return torch.cat(rows).double().numpy(), torch.cat(logits).numpy(), samples.labels[ids]
