"""Tables in files: CSV, Parquet and JSON lines, with words for each way in which one cannot be read."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netlens.errors import DataError, unknown

if TYPE_CHECKING:
    import pandas as pd

ARCHIVES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # as Excel writes
SEPARATORS = {";": "a semicolon", "\t": "a tab", "|": "a bar", ",": "a comma"}


def read_frame(path: Path, operation: str, *, separator: str = "", encoding: str = "") -> pd.DataFrame:
    """Read a table by its suffix: .parquet, .jsonl, or else CSV.

    Raises
    ------
    DataError : there is no such file, it is empty, or it is not what its suffix says.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(operation, f"the file '{path}' {kind}", remedy="Paths in a card start at the card.")
    if path.stat().st_size == 0:
        raise DataError(operation, f"the file '{path}' is empty", expected="a header and a row for each sample")
    try:
        if path.suffix == ".parquet":
            frame = _parquet(path, operation)
        elif path.suffix in (".jsonl", ".ndjson"):
            frame = _json_lines(path, operation, encoding or "utf-8-sig")
        else:
            frame = _csv(path, operation, separator or ("\t" if path.suffix == ".tsv" else ","), encoding or "utf-8-sig")
    except OSError as error:
        raise DataError(operation, f"'{path}' cannot be read ({error.strerror})", expected="a file that you may read") from error
    if len(frame) == 0:
        raise DataError(operation, f"'{path}' has no rows", expected="a row for each sample")
    return frame


def column(frame: pd.DataFrame, asked: str, usual: tuple[str, ...], what: str, operation: str) -> str:
    """Find the column that holds labels, paths or texts: the one that was asked for, or one with a usual name.

    Raises
    ------
    DataError : there is no such column.
    """
    if asked in frame.columns:
        return asked
    if asked:
        raise unknown(operation, f"column of {what}", asked, map(str, frame.columns), DataError)
    by_lower = {str(name).lower(): str(name) for name in frame.columns}
    found = next((by_lower[name] for name in usual if name in by_lower), None)
    if found is None:
        problem = f"no column holds {what}; its columns are {', '.join(map(str, frame.columns[:20]))}"
        expected = f"a column called {' or '.join(usual[:2])}, or its name in the card"
        raise DataError(operation, problem, expected=expected)
    return found


def _csv(path: Path, operation: str, separator: str, encoding: str) -> pd.DataFrame:
    import pandas as pd

    try:
        with path.open("rb") as file:
            head = file.read(4)
        if head.startswith(ARCHIVES):
            problem = f"'{path}' is no CSV, but an archive or a table of Excel's"
            raise DataError(operation, problem, expected="text with a row a line", remedy="Save it as CSV, or as Parquet.")
        if head.startswith((b"\xff\xfe", b"\xfe\xff")) and encoding == "utf-8-sig":
            encoding = "utf-16"
        with path.open(encoding=encoding, newline="") as file:
            header = next((row for row in csv.reader(file, delimiter=separator) if row), [])
        if not header:
            raise DataError(operation, f"'{path}' has no rows", expected="a header and a row for each sample")
        other = next((mark for mark in SEPARATORS if mark != separator and mark in header[0]), None)
        if len(header) == 1 and other:
            problem = f"'{path}' has one column; its header is '{header[0][:60]}'"
            remedy = f"Its columns seem to be parted by {SEPARATORS[other]}: write separator = {json.dumps(other)} under [data]."
            raise DataError(
                operation, problem, expected=f"columns parted by {SEPARATORS.get(separator, repr(separator))}", remedy=remedy
            )
        _check_header(header, path, operation)
        options: dict[str, Any] = {"keep_default_na": False, "na_values": [""], "low_memory": False}  # a class may be called NA
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame: pd.DataFrame = pd.read_csv(
                path, sep=separator, encoding=encoding, skipinitialspace=True, index_col=False, **options
            )
            return frame
    except pd.errors.ParserWarning as error:
        problem = f"the rows of '{path}' have more cells than its header"
        raise DataError(operation, problem, expected="as many cells in each row as in the header") from error
    except (UnicodeError, LookupError) as error:
        problem = f"'{path}' is not in the encoding {encoding.removesuffix('-sig')} ({type(error).__name__})"
        raise DataError(operation, problem, remedy='Write its encoding under [data], such as encoding = "latin-1".') from error
    except (ValueError, csv.Error) as error:
        problem = f"'{path}' is no CSV: {' '.join(str(error).split())}"
        raise DataError(operation, problem, expected="as many cells in each row as in the header") from error


def _check_header(header: list[str], path: Path, operation: str) -> None:
    names = [name.strip() for name in header]
    if "" in names:
        problem = f"column {names.index('') + 1} of '{path}' has no name"
        raise DataError(operation, problem, expected="a header with a name for each column")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise DataError(operation, f"'{path}' has two columns called '{twice}'", expected="names that differ")


def _parquet(path: Path, operation: str) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError as error:
        remedy = "Install the extra: pip install 'netlens[parquet]'. Or save the table as CSV."
        raise DataError(operation, f"'{path}' needs pyarrow to be read", remedy=remedy) from error
    except (OSError, ValueError) as error:
        problem = f"'{path}' is no Parquet file ({type(error).__name__})"
        raise DataError(operation, problem, expected="a whole Parquet file") from error


def _json_lines(path: Path, operation: str, encoding: str) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, object]] = []
    expected = 'an object in each line, such as {"text": "...", "label": "..."}'
    try:
        with path.open(encoding=encoding) as file:
            for number, line in enumerate(file, start=1):
                row = json.loads(line) if line.strip() else None
                if row is not None and not isinstance(row, dict):
                    raise DataError(operation, f"line {number} of '{path}' holds no object", expected=expected)
                rows += [row] if row is not None else []
    except json.JSONDecodeError as error:
        raise DataError(operation, f"line {number} of '{path}' is no JSON ({error.msg})", expected=expected) from error
    except (UnicodeError, LookupError) as error:
        problem = f"'{path}' is not in the encoding {encoding.removesuffix('-sig')} ({type(error).__name__})"
        raise DataError(operation, problem, remedy='Write its encoding under [data], such as encoding = "latin-1".') from error
    return pd.DataFrame(rows)
