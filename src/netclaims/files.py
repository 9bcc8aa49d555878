"""Tables, JSON and arrays on disk, with few digits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype
from safetensors import SafetensorError

from netclaims.digits import all_digits
from netclaims.errors import DataError
from netclaims.paths import RUNS
from netclaims.tables.columns import EXACT, WORDS


def read_table(key: str, name: str) -> pd.DataFrame:
    """Return `runs/<key>/<name>.csv`, as training wrote it."""
    return read_csv(RUNS / key / f"{name}.csv")


def read_csv(path: Path) -> pd.DataFrame:
    """Return the table in a CSV file.

    Raises:
        DataError: it is not one.
    """
    with as_written(path):
        return parse_csv(path)


def parse_csv(source: Path | StringIO) -> pd.DataFrame:
    """Return the table in a file, or in a text, as `write_table` writes it.

    Words stay words, and only what is empty is a gap: pandas by itself makes a number of a net called 1, and a gap of
    one called NA.
    """
    return pd.read_csv(source, dtype=dict.fromkeys(WORDS, str), keep_default_na=False, na_values=[""])


def read_json(path: Path) -> dict:
    """Return the content of a JSON file, a mapping.

    Raises:
        DataError: it is not one.
    """
    with as_written(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"a {type(content).__name__}, expected a mapping")
        return content


def read_array(path: Path) -> NDArray[Any]:
    """Return the array in an `.npy` file, which holds numbers.

    Raises:
        DataError: it is not one.
    """
    with as_written(path), path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """Say in one line that a result was changed by something else than its stage, which writes it anew."""
    try:
        yield
    except (ValueError, SafetensorError, RecursionError, MemoryError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: not as its stage wrote it, which `dvc repro` runs again: {reason}") from None


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV, and the folder that it lies in: measured numbers with six significant digits, set ones with all.

    Numbers that were set, such as a learning rate, are read back as they were, so that rows can be found by them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    exact = [name for name in table if name in EXACT and is_float_dtype(table[name])]
    told = {name: table[name].map(all_digits, na_action="ignore") for name in exact}
    table.assign(**told).to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


def write_json(path: Path, content: dict) -> None:
    """Write indented JSON, and the folder that it lies in; a number that is not finite is an error, never written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8", newline="\n"
    )


def first(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the table with these columns moved to the front."""
    return table[[*columns, *(name for name in table.columns if name not in columns)]]
