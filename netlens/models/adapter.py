"""Give a network the one interface of all others: inputs in, one tensor of logits (N, classes) out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import nn

Reading = Literal["logits", "probabilities", "one logit", "one probability"]
SMALLEST = 1e-12  # below any probability of a float32 softmax that matters


class Adapter(nn.Module):
    """A network whose output is read as logits. Its layers keep their paths, so that nobody notices the adapter.

    Parameters
    ----------
    net : the network; its modules and weights are shared, not copied.
    classes : how many there are.
    reading : what the output is. Probabilities become their logarithms, and one number becomes two logits that differ by it, so that
        the softmax of the logits is what the network meant.
    pad : for text, the token id that fills up short texts; the network is told by an attention mask to look past it.
    """

    def __init__(self, net: nn.Module, classes: int, reading: Reading = "logits", pad: int | None = None) -> None:
        super().__init__()
        self.classes, self.reading, self.pad = classes, reading, pad
        if is_closed(net):
            self.net = net
        else:  # the modules of `net` are ours, and it stands beside them
            self.__dict__["net"] = net
            self._modules, self._parameters, self._buffers = net._modules, net._parameters, net._buffers
            self._non_persistent_buffers_set = net._non_persistent_buffers_set

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map inputs to logits (N, classes)."""
        net: nn.Module = self.__dict__.get("net") or self.net
        if "net" in self.__dict__:
            net.training = self.training
        more = {} if self.pad is None else {"attention_mask": (inputs != self.pad).long()}
        return read(self.output(net(inputs, **more)), self.reading)

    def output(self, found: Any) -> torch.Tensor:
        """Pick the tensor of logits out of what the network gave."""
        chosen = picked(found, self.classes)
        if chosen is None:
            raise ValueError(f"the network gives {told(found)}, and none of it is one row of {self.classes} logits a sample")
        return chosen


def is_closed(net: nn.Module) -> bool:
    """Whether a network is TorchScript or an exported program, whose layers are not modules that run."""
    return isinstance(net, torch.jit.ScriptModule) or is_program(net)


def is_program(net: nn.Module) -> bool:
    """Whether a network is what `torch.export` made: it refuses `eval`, and its layers are only places for weights."""
    return isinstance(net, torch.fx.GraphModule) and "eval" in vars(net)


def is_exported(net: nn.Module) -> bool:
    """Whether a network is an exported program, or holds one."""
    return any(is_program(module) for module in net.modules())


def picked(found: Any, classes: int) -> torch.Tensor | None:
    """The tensor of logits in what a network gave: named so, or the first that has a column a class."""
    parts = _tensors(found)
    fitting = [part for part in parts if _fits(part, classes)]
    return _flat(fitting[0]) if fitting else None


def read(output: torch.Tensor, reading: Reading) -> torch.Tensor:
    """Turn an output into logits whose softmax is what was meant."""
    if reading == "logits":
        return output
    if reading == "probabilities":
        return output.clamp(min=SMALLEST).log()
    if reading == "one probability":
        output = torch.logit(output, eps=1e-7)
    return torch.cat([-output / 2, output / 2], 1)


def told(found: Any) -> str:
    """What a network gave, in words."""
    if isinstance(found, torch.Tensor):
        return str(tuple(found.shape))
    if isinstance(found, Mapping):
        return f"a {type(found).__name__} of {', '.join(map(str, found))}"
    return f"a {type(found).__name__}"


def first_tensor(found: Any) -> torch.Tensor:
    """The tensor of logits if there is one of that name, else the first tensor.

    Raises
    ------
    ValueError : there is none.
    """
    tensors = _tensors(found)
    if not tensors:
        raise ValueError(f"the network gives {told(found)}, and no tensor in it")
    return tensors[0]


def _tensors(found: Any) -> list[torch.Tensor]:
    """The tensors in what a network gave; only the one named logits where there is one."""
    if isinstance(found, torch.Tensor):
        return [found]
    named = found.get("logits") if isinstance(found, Mapping) else getattr(found, "logits", None)
    if isinstance(named, torch.Tensor):
        return [named]
    values = list(found.values()) if isinstance(found, Mapping) else found if isinstance(found, tuple | list) else []
    return [value for value in values if isinstance(value, torch.Tensor)]


def _fits(part: torch.Tensor, classes: int) -> bool:
    columns = part.shape[1] if part.ndim > 1 else 1
    return part.ndim >= 1 and part[:1].numel() == columns and (columns == classes or (columns == 1 and classes == 2))


def _flat(part: torch.Tensor) -> torch.Tensor:
    return part if part.ndim == 2 else part.reshape(len(part), -1)
