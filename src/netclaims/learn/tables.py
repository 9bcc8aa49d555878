"""Tables and JSON as this project writes them: spreads over replicas, and few digits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError

from netclaims.learn.image_set import DataError
from netclaims.learn.paths import RUNS


def spread(table: pd.DataFrame, by: list[str], columns: list[str]) -> pd.DataFrame:
    """Mean, smallest and largest over replicas of each column: `<column>`, `<column>_low`, `<column>_high`.

    A group with a value that is not finite has no mean: it is left empty rather than averaged over the others.
    """
    groups = table.groupby(by, sort=False, dropna=False)
    parts = []
    for name in columns:
        finite = table[name].abs().lt(float("inf")).groupby([table[c] for c in by], sort=False, dropna=False).all()
        part = groups[name].agg(["mean", "min", "max"]).where(finite)
        parts.append(part.set_axis([name, f"{name}_low", f"{name}_high"], axis=1))
    return pd.concat(parts, axis=1).reset_index()


def mean_and_deviation(values: pd.Series) -> dict[str, float | None]:
    """Mean and standard deviation (n - 1) over replicas; null where a value is not finite or there is but one."""
    if values.empty or not values.abs().lt(float("inf")).all():
        return {"mean": None, "sd": None}
    return {"mean": rounded(values.mean()), "sd": rounded(values.std()) if len(values) > 1 else None}


def rounded(value: float) -> float:
    """Six significant digits: more than any spread here supports, few enough to read in a diff."""
    return float(f"{value:.6g}")


def read_table(key: str, name: str) -> pd.DataFrame:
    """`runs/<key>/<name>.csv`, as training wrote it."""
    return read_csv(RUNS / key / f"{name}.csv")


def read_csv(path: Path) -> pd.DataFrame:
    """The table in a CSV file.

    Raises:
        DataError: it is not one.
    """
    with as_written(path):
        return pd.read_csv(path)


def read_json(path: Path) -> dict:
    """The content of a JSON file, a mapping.

    Raises:
        DataError: it is not one.
    """
    with as_written(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"a {type(content).__name__}, expected a mapping")
        return content


def read_array(path: Path) -> NDArray[Any]:
    """The array in an `.npy` file, which holds numbers.

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
    """Write a CSV with six significant digits, and the folder that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


def write_json(path: Path, content: dict) -> None:
    """Write indented JSON, and the folder that it lies in; a number that is not finite is an error, never written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8", newline="\n"
    )


def first(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The table with these columns moved to the front."""
    return table[[*columns, *(name for name in table.columns if name not in columns)]]
