"""Features: the parts of an input that a perturbation method hides and shows as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.errors import ShapeError, unknown
from netlens.explain.series import steps_axis
from netlens.models.model import Model
from netlens.seeding import NUMPY_SEEDS

if TYPE_CHECKING:
    from netlens.data import Preprocess


class Segmentation(Protocol):
    """A way to cut inputs into features: a frozen dataclass whose fields are its choices."""

    name: ClassVar[str]

    def __call__(self, model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
        """Number the features of each row: whole numbers that broadcast to `inputs`."""
        ...


@dataclass(frozen=True)
class Grid:
    """Images cut into `cells` by `cells` rectangles, or into pixels where there are fewer of them."""

    name: ClassVar[str] = "grid"
    cells: int = 7

    def __call__(self, model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
        """Number the cells from left to right and from top to bottom, (N, 1, H, W)."""
        height, width = _image(model, inputs, operation).shape[2:]
        _positive(operation, "cells", self.cells)
        rows, columns = (torch.arange(side) * min(self.cells, side) // side for side in (height, width))
        return (rows[:, None] * min(self.cells, width) + columns).expand(len(inputs), 1, height, width)


@dataclass(frozen=True)
class Patches:
    """Images cut into squares of `size` pixels; those at the right and the lower edge may be smaller."""

    name: ClassVar[str] = "patches"
    size: int = 4

    def __call__(self, model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
        """Number the squares from left to right and from top to bottom, (N, 1, H, W)."""
        height, width = _image(model, inputs, operation).shape[2:]
        _positive(operation, "size", self.size)
        rows, columns = (torch.arange(side) // self.size for side in (height, width))
        return (rows[:, None] * (int(columns.max()) + 1) + columns).expand(len(inputs), 1, height, width)


@dataclass(frozen=True)
class Pixels:
    """Each pixel of an image, with all its channels."""

    name: ClassVar[str] = "pixels"

    def __call__(self, model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
        """Number the pixels from left to right and from top to bottom, (N, 1, H, W)."""
        return Patches(1)(model, inputs, operation)


@dataclass(frozen=True)
class Slic:
    """Superpixels of about equal size that follow the edges: k-means over colour and place.

    Parameters
    ----------
    segments : about how many superpixels.
    compactness : weight of place against colour; None to adapt it to each superpixel, which also cuts images of mere texture.

    References
    ----------
    Achanta, Shaji, Smith, Lucchi, Fua and Süsstrunk 2012, SLIC superpixels compared to state-of-the-art superpixel methods.
    """

    name: ClassVar[str] = "slic"
    segments: int = 50
    compactness: float | None = None

    def __call__(self, model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
        """Number the superpixels of each row, (N, 1, H, W)."""
        from skimage.segmentation import slic

        _positive(operation, "segments", self.segments)

        def cut(image: NDArray[np.float32]) -> NDArray[np.int64]:
            options = {"start_label": 0, "channel_axis": -1, "slic_zero": self.compactness is None}
            return np.asarray(slic(image, self.segments, self.compactness or 10.0, **options))

        return _segmented(cut, model, inputs, operation)


@dataclass(frozen=True)
class Quickshift:
    """Superpixels that follow the modes of colour and place; their number follows from the image.

    Parameters
    ----------
    kernel_size, max_dist, ratio : width of the density's kernel, largest step to a mode, weight of colour; the values of the
        reference implementation of LIME, made for photographs: small images want a smaller kernel and smaller steps.

    References
    ----------
    Vedaldi and Soatto 2008, Quick shift and kernel methods for mode seeking.
    """

    name: ClassVar[str] = "quickshift"
    kernel_size: float = 4.0
    max_dist: float = 200.0
    ratio: float = 0.2
    seed: int = 0

    def __call__(self, model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
        """Number the superpixels of each row, (N, 1, H, W)."""
        from skimage.segmentation import quickshift

        def cut(image: NDArray[np.float32]) -> NDArray[np.int64]:
            options = {
                "kernel_size": self.kernel_size,
                "max_dist": self.max_dist,
                "ratio": self.ratio,
                "rng": self.seed % NUMPY_SEEDS,
            }
            return np.asarray(quickshift(image, **options))  # type: ignore[no-untyped-call]

        return _segmented(cut, model, inputs, operation)


@dataclass(frozen=True)
class Columns:
    """Each column of a table: inputs (N, columns)."""

    name: ClassVar[str] = "columns"

    def __call__(self, model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
        """Number the columns from left to right, (N, columns)."""
        if inputs.ndim != 2:
            problem = f"columns were asked of inputs shaped {tuple(inputs.shape)}"
            raise ShapeError(operation, problem, expected=f"a table (N, columns) for {model.name}", remedy=_fitting(inputs))
        return torch.arange(inputs.shape[1]).expand(inputs.shape)


@dataclass(frozen=True)
class Steps:
    """Each step of a sequence, with all its channels: a word, a token, a point in time.

    Parameters
    ----------
    axis : the axis of the steps, the batch being axis 0; 2 for inputs (N, channels, steps). 0 to take the axis along which the network
        convolves, and axis 1 where it does not, or where that cannot be told.
    width : steps that make one feature.
    """

    name: ClassVar[str] = "steps"
    axis: int = 0
    width: int = 1

    def __call__(self, model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
        """Number the steps in their order; 1 along every other axis."""
        _positive(operation, "width", self.width)
        axis = self.axis or steps_axis(model, inputs, operation)
        if inputs.ndim > 3 or not 1 <= axis < inputs.ndim:
            problem = f"steps along axis {axis} were asked of inputs shaped {tuple(inputs.shape)}"
            expected = f"sequences (N, steps) or (N, steps, channels) for {model.name}"
            raise ShapeError(operation, problem, expected=expected, remedy=_fitting(inputs))
        shape = [1] * inputs.ndim
        shape[axis] = -1
        steps = torch.arange(inputs.shape[axis]).div(self.width, rounding_mode="floor").view(shape)
        return steps.expand(len(inputs), *steps.shape[1:])


SEGMENTATIONS: dict[str, Callable[[], Segmentation]] = {
    kind.name: kind for kind in (Grid, Patches, Pixels, Slic, Quickshift, Columns, Steps)
}
Name = Literal["grid", "patches", "pixels", "slic", "quickshift", "columns", "steps"]
Features = Name | Segmentation | torch.Tensor | None


@dataclass(frozen=True)
class FeatureMap:
    """Which feature each element of the inputs belongs to.

    `index` broadcasts to the inputs, (N, 1, H, W) for images: 0 to `counts[row]` - 1 in each row. `chosen` : how it was cut.
    """

    index: torch.Tensor
    counts: tuple[int, ...]
    chosen: str

    def sizes(self, row: int, shape: torch.Size) -> torch.Tensor:
        """How many elements of one input of this shape each feature of row `row` holds, (features,)."""
        whole = self.index[row].expand(shape).flatten()
        return torch.bincount(whole, minlength=self.counts[row])


def feature_map(choice: Features, model: Model, inputs: torch.Tensor, operation: str) -> FeatureMap:
    """Cut each row of `inputs` into features.

    Parameters
    ----------
    choice : a segmentation, its name, or your own whole numbers that broadcast to the inputs, with or without the batch axis.
        Without one: `slic` for images of 64 pixels a side and more, `grid` for smaller ones, `columns` for tables, `steps` for
        sequences and for ids of tokens.

    Raises
    ------
    ShapeError : the features do not fit the inputs, or a row has only one.
    """
    if isinstance(choice, torch.Tensor | np.ndarray):
        raw, chosen = _own(torch.as_tensor(choice), inputs, operation), "own"
    else:
        segmentation = _chosen(choice, model, inputs, operation)
        if isinstance(segmentation, Steps) and not segmentation.axis:
            segmentation = replace(segmentation, axis=steps_axis(model, inputs, operation))
        raw, chosen = segmentation(model, inputs.detach().cpu(), operation), str(segmentation)
    index, counts = torch.empty(raw.shape, dtype=torch.int64), []
    for row, labels in enumerate(raw):
        known, index[row] = torch.unique(labels, return_inverse=True)
        counts.append(len(known))
    if min(counts) < 2:
        problem = f"row {counts.index(1)} is one single feature ({chosen})"
        remedy = "Cut it finer, for example with features='grid'."
        if inputs.ndim != 4 or inputs[0, 0].numel() == 1:
            remedy = "Cut it finer; or use occlusion or integrated_gradients, which need nothing to compare with."
        raise ShapeError(operation, problem, expected="at least two features to compare", remedy=remedy)
    return FeatureMap(index, tuple(counts), chosen)


def is_image(model: Model, inputs: torch.Tensor) -> bool:
    """Whether the inputs are images that the model's preprocessing can turn back into pixels."""
    return inputs.ndim == 4 and inputs.shape[1] == len(getattr(model.preprocess, "mean", ()))


def _chosen(choice: Name | Segmentation | None, model: Model, inputs: torch.Tensor, operation: str) -> Segmentation:
    if choice is None:
        if inputs.ndim == 4:
            return Slic() if min(inputs.shape[2:]) >= 64 and is_image(model, inputs) and inputs.shape[1] in (1, 3) else Grid()
        return Columns() if inputs.ndim == 2 and inputs.is_floating_point() else Steps()
    if isinstance(choice, str):
        if choice not in SEGMENTATIONS:
            raise unknown(operation, "kind of features", choice, SEGMENTATIONS)
        return SEGMENTATIONS[choice]()
    return choice


def _own(labels: torch.Tensor, inputs: torch.Tensor, operation: str) -> torch.Tensor:
    expected = f"whole numbers that broadcast to {tuple(inputs.shape)}"
    if labels.is_floating_point() or labels.is_complex():
        raise ShapeError(operation, f"the features are {labels.dtype}", expected=expected)
    labels = labels.cpu().long()
    labels = labels if labels.ndim == inputs.ndim else labels.unsqueeze(0)
    try:
        labels.expand_as(inputs)
        return labels.expand(len(inputs), *labels.shape[1:])
    except RuntimeError as error:
        raise ShapeError(operation, f"the features have shape {tuple(labels.shape)}", expected=expected) from error


def _segmented(
    cut: Callable[[NDArray[np.float32]], NDArray[np.int64]], model: Model, inputs: torch.Tensor, operation: str
) -> torch.Tensor:
    _image(model, inputs, operation)
    if not is_image(model, inputs) or inputs.shape[1] not in (1, 3):
        problem = f"superpixels need colours, and inputs shaped {tuple(inputs.shape)} hold none that the preprocessing knows"
        raise ShapeError(operation, problem, remedy="Use features='grid'.")
    pixels = cast("Preprocess", model.preprocess).invert(inputs).clamp(0, 1).movedim(1, -1).contiguous().numpy()
    colours = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
    labels: list[NDArray[Any]] = [cut(image) for image in colours]
    return torch.from_numpy(np.stack(labels).astype(np.int64)).unsqueeze(1)


def _image(model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
    if inputs.ndim == 4:
        return inputs
    problem = f"features of images were asked of inputs shaped {tuple(inputs.shape)}"
    raise ShapeError(operation, problem, expected=f"images (N, C, H, W) for {model.name}", remedy=_fitting(inputs))


def _fitting(inputs: torch.Tensor) -> str:
    """What to do about features that do not fit inputs of this shape."""
    usual = {2: "columns" if inputs.is_floating_point() else "steps", 3: "steps", 4: "grid"}.get(inputs.ndim, "")
    return f"Use features='{usual}'." if usual else "Give features of your own: a tensor of whole numbers."


def _positive(operation: str, name: str, value: int) -> None:
    if not isinstance(cast(object, value), int) or value < 1:
        raise ShapeError(operation, f"{name} is {value}", expected="a whole number, at least 1")
