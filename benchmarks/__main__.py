"""Compare netclaims with others: `python -m benchmarks [NAME ...] [--mnist ROOT]`.

Names choose comparisons; without any, all are made. The others stay in the tables as they were. `--mnist` takes all
60,000 images of MNIST, from a folder in torchvision's layout, for those of its MLP and its CNN.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.comparisons import COMPARISONS, make_bench
from benchmarks.figure import draw_scaling
from benchmarks.table import render
from netclaims.errors import DataError
from netclaims.files import write_json
from netclaims.present.svg import save

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
PACKAGES = ["torch", "torchvision", "jax", "optax", "skorch", "curvlinops-for-pytorch", "hessian-eigenthings"]


def main() -> None:
    """Measure, and write the tables and the figure; or end with one line and status 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare netclaims with others.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(COMPARISONS))
    parser.add_argument("--mnist", type=Path, metavar="ROOT", help="all of MNIST, in torchvision's layout")
    words = parser.parse_args()
    names = list(dict.fromkeys(words.names)) or list(COMPARISONS)
    for name in names:
        if name not in COMPARISONS:
            sys.exit(f"no comparison {name!r}; there are {', '.join(COMPARISONS)}")
    for name in names:
        for peer in COMPARISONS[name].peers:
            if not find_spec(peer):
                sys.exit(f"{name}: needs {peer}: pip install -r benchmarks/requirements.txt")
    results = {"machines": {}, "comparisons": {}}
    if RESULTS.exists():
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    with TemporaryDirectory() as temporary:
        try:
            bench = make_bench(Path(temporary), names, words.mnist)
        except DataError as error:
            sys.exit(str(error))
        for name in names:
            found = COMPARISONS[name].run(bench)
            results["comparisons"] |= found
            results["machines"] |= dict.fromkeys(found, machine())
            write_json(RESULTS, results)
            (FOLDER / "results.md").write_text(render(results), encoding="utf-8", newline="\n")
            print(f"{name}: done", flush=True)  # noqa: T201
    if "curves" in names:
        save(draw_scaling(results["comparisons"]["curves"]), FOLDER / "scaling.svg")


def machine() -> str:
    """Return processor, cores, and versions of what is compared, in one line."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [line for line in cpuinfo.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        processor = named[0].partition(":")[2].strip() if named else processor
    found = {package.name: package.version for package in distributions()}
    packages = [f"{name} {found[name]}" for name in PACKAGES if name in found]
    return f"{processor}, {os.cpu_count()} cores; Python {platform.python_version()}, {', '.join(packages)}"


if __name__ == "__main__":
    main()
