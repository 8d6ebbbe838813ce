"""Programs that `torch.export` saved: read without running what a stranger may have packed into them."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netlens.errors import ModelError
from netlens.models.adapter import first_tensor
from netlens.models.files import first_line, kind_of

FORCED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
# torch evaluates the sizes in a program as Python. Numbers, symbols such as s31, and these words are what it writes itself.
WORDS = re.compile(
    r"Symbol|Integer|Rational|Float|Add|Mul|Pow|Max|Min|Mod|PythonMod|(Int|Float)?TrueDiv|(Floor|Clean|Ceil)Div|ToFloat|Where|Eq|Ne|[GL][te]|"
    r"And|Or|Not|Equality|Unequality|(Strict)?(Greater|Less)Than|Identity|(int_)?oo|True|False|None|integer|(non)?(positive|negative|zero)|"
    r"real|finite"
)
SYMBOL = re.compile(r"[suz]f?\d+")
EXPRESSION = re.compile(r"[\w\s+\-*/(),.<>=!&|~%']*")


class Program(nn.Module):
    """An exported program, for batches of any size: it is fed as many rows at once as it was exported for.

    Parameters
    ----------
    program : what `ExportedProgram.module()` gives. least, most : how many rows it takes.
    """

    def __init__(self, program: nn.Module, least: int, most: int) -> None:
        super().__init__()
        self.program, self.least, self.most = program, least, most

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map inputs to what the program gives, one row a sample; of several tensors, the one named logits or the first."""
        return torch.cat([self._some(part) for part in torch.split(inputs, self.most)])

    def _some(self, inputs: torch.Tensor) -> torch.Tensor:
        short = max(0, self.least - len(inputs))
        rows = torch.cat([inputs, inputs[-1:].expand(short, *inputs.shape[1:])]) if short else inputs
        try:
            found = self.program(rows)
        except AssertionError as error:  # how a program says that a size is not the one it was exported for
            raise RuntimeError(f"the program was exported for other sizes: {first_line(error)}") from error
        return first_tensor(found)[: len(inputs)]


def load_program(path: Path, operation: str) -> tuple[Program, tuple[str, ...]]:
    """Load an exported program and what there is to say of it.

    Raises
    ------
    ModelError : the file is none, it was exported in training mode, or it holds Python objects or expressions that would be run.
    """
    if kind_of(path, operation) != "exported":
        remedy = "Save one with torch.export.save(torch.export.export(net.eval(), (inputs,)), 'net.pt2')."
        raise ModelError(
            operation, f"'{path.name}' is no exported program", expected="a .pt2 file that torch.export.save wrote", remedy=remedy
        )
    _inspect(path, operation)
    try:
        with _data_only():
            exported = torch.export.load(path)
            net = exported.module()
    except Exception as error:  # the reader raises many kinds; all mean that the file cannot be used
        problem = f"'{path.name}' cannot be read ({first_line(error)})"
        remedy = f"This is torch {torch.__version__}: export it again with a version near it."
        raise ModelError(operation, problem, expected="a .pt2 file that torch.export.save wrote", remedy=remedy) from error
    if _trains(exported):
        remedy = "Export it again: torch.export.export(net.eval(), ...)."
        raise ModelError(
            operation, f"'{path.name}' was exported in training mode, and its dropout or batch norm stays so", remedy=remedy
        )
    least, most = _batch(exported)
    note = f"'{path.name}' was exported for batches of {most}, and runs so; export it with a dynamic batch size to be faster"
    return Program(net, least, most), (note,) if least == most else ()


def _inspect(path: Path, operation: str) -> None:
    """Refuse what torch would unpickle or evaluate; read with torch's own reader, so that both see the same file.

    Raises
    ------
    ModelError : the program holds Python objects, or sizes that are no arithmetic.
    """
    remedy = "Nothing of it was run. Use the network's state dict with a factory instead."
    try:
        archive: Any = torch._C.PyTorchFileReader(str(path))
        names = list(archive.get_all_records())
        texts = [json.loads(archive.get_record(name)) for name in names if name.endswith(".json")]
    except Exception as error:  # the reader raises many kinds; all mean that the file cannot be used
        raise ModelError(
            operation, f"'{path.name}' cannot be read ({first_line(error)})", expected="a whole .pt2 file"
        ) from error
    from torch.export.pt2_archive.constants import OPAQUE_OBJ_FILENAME_PREFIX

    if "archive_format" not in names or any(name.rsplit("/")[-1].startswith(OPAQUE_OBJ_FILENAME_PREFIX) for name in names):
        what = "holds pickled Python objects" if "archive_format" in names else "is of a version before torch 2.8"
        raise ModelError(
            operation, f"'{path.name}' {what}", expected="a program and tensors, as torch.export.save writes now", remedy=remedy
        )
    for expression in (found for text in texts for found in _expressions(text)):
        words = set(re.findall(r"[A-Za-z_]\w*", expression))
        if not EXPRESSION.fullmatch(expression) or any(not (WORDS.fullmatch(word) or SYMBOL.fullmatch(word)) for word in words):
            problem = f"'{path.name}' has a size that is no arithmetic: {expression[:60]!r}"
            raise ModelError(operation, problem, expected="numbers and symbols", remedy=remedy)


def _expressions(content: object) -> Iterator[str]:
    """Every text that torch would evaluate."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key == "expr_str" and isinstance(value, str):
                yield value
            yield from _expressions(value)
    elif isinstance(content, list):
        for item in content:
            yield from _expressions(item)


@contextmanager
def _data_only() -> Iterator[None]:
    """Let torch read tensors and nothing else, wherever in its own code it would unpickle; and keep what it logs to itself."""
    before, log = os.environ.get(FORCED), logging.getLogger("torch.export")
    os.environ[FORCED], disabled = "1", log.disabled
    others = [logging.getLogger(f"torch.export.{name}") for name in ("pt2_archive._package",)]
    states = [other.disabled for other in others]
    log.disabled = True
    for other in others:
        other.disabled = True
    try:
        yield
    finally:
        log.disabled = disabled
        for other, state in zip(others, states, strict=True):
            other.disabled = state
        if before is None:
            del os.environ[FORCED]
        else:
            os.environ[FORCED] = before


def _trains(exported: torch.export.ExportedProgram) -> bool:
    """Whether a dropout or batch norm in the program is in training mode."""
    for node in exported.graph.nodes:
        name, arguments = str(node.target), {**dict(enumerate(node.args)), **node.kwargs}
        if name.startswith("aten.dropout") and (arguments.get(2, arguments.get("train")) is True):
            return True
        if name.startswith("aten.batch_norm") and (arguments.get(5, arguments.get("training")) is True):
            return True
    return False


def _batch(exported: torch.export.ExportedProgram) -> tuple[int, int]:
    """The least and the most rows that a program takes; without a limit, a large number."""
    first = exported.graph_signature.user_inputs[0]
    value = next(node.meta["val"] for node in exported.graph.nodes if node.op == "placeholder" and node.name == first)
    rows = value.shape[0]
    if isinstance(rows, int):
        return rows, rows
    limits: Any = exported.range_constraints.get(rows.node.expr)
    if limits is None:
        return 1, 4096
    return max(1, int(limits.lower)), int(limits.upper) if str(limits.upper).isdecimal() else 4096
