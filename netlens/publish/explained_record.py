"""What is kept of an explanation: its numbers as arrays, what it is and says as JSON, and the sentences as a text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.explain import EXPLAINERS, Attribution
from netlens.explain.wording import percent
from netlens.models import Model
from netlens.publish.explained_inputs import Sample


def record(model: Model, samples: Sequence[Sample], attribution: Attribution, sentences: Sequence[str]) -> dict[str, Any]:
    """What an explanation is and says, as plain values for JSON; what is large is in `arrays`."""
    method = EXPLAINERS[attribution.method]
    unknown = [None] * len(samples)
    errors = unknown if attribution.error is None else attribution.error.tolist()
    kept = unknown if attribution.complete is None else attribution.complete.tolist()
    return {
        "model": {"name": model.name, "fingerprint": model.fingerprint, "device": model.device.type},
        "method": attribution.method,
        "gives": method.gives,
        "reference": method.reference,
        "params": {name: plain(value) for name, value in attribution.params.items() if not _is_array(value)},
        "layer": attribution.layer,
        "inputs": [
            {
                "input": sample.name,
                "label": None if sample.label is None else model.classes[sample.label],
                "target": model.classes[target],
                "sentence": sentence,
                "complete": complete,
                "error": plain(error),
            }
            for sample, target, sentence, complete, error in zip(
                samples, attribution.target.tolist(), sentences, kept, errors, strict=True
            )
        ],
    }


def arrays(attribution: Attribution, raw: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The numbers of an explanation: raw images, values, target, completeness error, standard errors, and what the method adds."""
    own = {name: getattr(attribution, name) for name in ("values", "target", "delta", "spread")}
    added = {name: value for name, value in attribution.params.items() if _is_array(value)}
    tensors = {name: value for name, value in (own | added).items() if value is not None}
    return {"raw": raw} | {
        name: (torch.stack(list(value)) if isinstance(value, list | tuple) else value).numpy() for name, value in tensors.items()
    }


def text(told: Mapping[str, Any]) -> str:
    """The sentences, one paragraph an input, and the words for those who do not see the picture."""
    said = [f"{one['input']}: {one['sentence']}" for one in told["inputs"]]
    return "\n\n".join([*said, f"The picture: {told['alt']}"]) + "\n"


def notes(samples: Sequence[Sample], attribution: Attribution) -> list[str]:
    """What stands beside the sentences: what was done to an input, and which values break the method's promise."""
    said = [sample.note for sample in samples if sample.note]
    if "tokens" in attribution.params:
        reader = f"; the answer is read from {attribution.params['read']}" if "read" in attribution.params else ""
        said.append(f"the map is that of '{attribution.layer}', with {attribution.params['tokens']}{reader}")
    if "series" in attribution.params:
        said.append(f"the map is that of '{attribution.layer}', with {attribution.params['series']}")
    if attribution.complete is not None and attribution.error is not None:
        said += [
            f"{sample.name}: the values do not add up to what they should; they miss it by {percent(error)}"
            for sample, error, complete in zip(samples, attribution.error.tolist(), attribution.complete.tolist(), strict=True)
            if not complete
        ]
    return said


def plain(value: Any) -> Any:
    """A value as JSON can hold it; what is no finite number becomes null."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_array(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) > 0 and all(isinstance(item, torch.Tensor) for item in value)
    return isinstance(value, torch.Tensor)
