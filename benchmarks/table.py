"""The tables of `results.md`, from the numbers in `results.json` and nothing else."""

from __future__ import annotations

from math import sqrt
from statistics import mean, median, stdev
from typing import Any

from benchmarks.timing import ONE

Results = dict[str, Any]

# Aims: the words, the comparison, the contenders to beat, and how many times as long as ours each of them has to take.
AIMS = [
    *(
        aim
        for name in ("small-8", "small-24")
        for aim in (
            ("small nets ≥ 8× the homework loop per net", name, ["homework"], 8.0),
            ("small nets ≥ 1.5× JAX, both compiled before", name, ["jax", "jax-two"], 1.5),
            ("small nets ≥ 5× JAX with its compilation", name, ["jax, compiled", "jax-two, compiled"], 5.0),
        )
    ),
    ("MNIST MLP ≥ 6× the homework loop", "mlp", ["homework"], 6.0),
    ("MNIST MLP ≥ 6× the homework loop", "mlp-full", ["homework"], 6.0),
    ("MNIST CNN ≥ 3× the homework loop", "cnn", ["homework"], 3.0),
    ("MNIST CNN ≥ 3× the homework loop", "cnn-full", ["homework"], 3.0),
    ("CIFAR CNN ≥ 2.5× the homework loop", "cifar", ["homework"], 2.5),
    *(
        aim
        for kind in ("relu", "tanh")
        for aim in (
            ("exact Hessian ≥ 3× torch.autograd.functional.hessian", f"hessian-{kind}", ["autograd"], 3.0),
            (
                "exact Hessian no slower than any library",
                f"hessian-{kind}",
                ["autograd", "vectorised", "func", "curvlinops", "eigenthings"],
                1.0,
            ),
        )
    ),
    ("largest eigenvalue no slower than any library", "lanczos", ["curvlinops", "eigenthings"], 1.0),
]
# Shares of the machine's peak at which nets are to train, on all cores: the comparison, and the least share.
SHARES = [("mlp", 0.5), ("mlp-full", 0.5), ("cnn", 0.45), ("cnn-full", 0.45), ("cifar", 0.45)]
COMPILED = ", compiled"  # behind the name of a contender: with its compilation
ORDER = ["small-8", "small-24", "mlp", "mlp-full", "cnn", "cnn-full", "cifar", "hessian-relu", "hessian-tanh",
         "lanczos"]  # fmt: skip
SAME_WITHIN = 3.0  # standard errors of a difference of means

INTRODUCTION = """\
# Speed beside others

`python -m benchmarks` measures this and writes it; `results.json` has every repeat. Within a repeat the contenders take
turns, each in a process of its own, after a call to warm up that does not count. A time is the median over repeats with
[smallest, largest], divided by the number of nets (or Hessians) that one call yields. A ratio is how many times as long
as netclaims a contender takes for one of them, again median [smallest, largest], taken repeat by repeat.

- **All** contenders have the same images, networks, initial distribution, optimiser, learning rate, batch sizes and
  epochs, and orders of data of their own.
- **netclaims** trains several nets at once in processes of one thread; their start, reading the data in each, and the
  losses after every epoch (of small nets: at 200 of the epochs) on the test set and on as many training images are in
  the time. The factor that comes from training two at once is not in the rows on one core: one process and one thread,
  its data in memory. Small nets train in a kernel that is compiled once, at set-up, for all networks and settings.
- **The homework loop** reads torchvision's data set through a DataLoader with the usual transforms (ToTensor,
  Normalize), takes `.item()` of the loss every step, measures loss and accuracy on the test set after every epoch (of
  small nets, nothing), and trains one net after another, with torch's default threads, one for every core. A row on
  one core says what a single thread takes it: for small nets that is less.
- **skorch** has the images as tensors in memory, standardised; its validation set is the test set.
- **JAX** runs a whole training as one compiled function, steps by `lax.scan`, nets by `vmap`, and measures the same
  losses as netclaims. Its compilation is not in the time: it stands beside the title, and is needed anew for every
  network and number of nets. An aim that says so adds it to the time of each call.
- **Share of the peak**: operations are two for every multiplication by a weight, three times the forward pass, without
  evaluation; the peak is that of torch's product of two 2048 × 2048 matrices, on one core or on all, as the row says.
"""


def render(results: Results) -> str:
    """Return the whole document.

    Args:
        results: the content of `results.json`.
    """
    comparisons = results["comparisons"]
    parts = [INTRODUCTION, _machines(results), _aims(comparisons)]
    parts += [_comparison(comparisons[name]) for name in ORDER if name in comparisons]
    parts += [_curves(comparisons["curves"])] if "curves" in comparisons else []
    parts += [_processes(comparisons["processes"])] if "processes" in comparisons else []
    return "\n".join(parts)


def ratios(comparison: Results, name: str) -> list[float]:
    """Return how many times as long as ours the named contender takes for one piece of work, by repeat."""
    ours, other = (comparison["contenders"][who] for who in ("ours", name.removesuffix(COMPILED)))
    before = other["compile_seconds"] / other["pieces"] if name.endswith(COMPILED) else 0.0
    return [(before + b) / a for a, b in zip(_each(ours), _each(other), strict=True)]


def agreement(losses: list[float], ours: list[float]) -> float:
    """Return the difference of two means in standard errors of that difference."""
    error = sqrt(sum(stdev(some) ** 2 / len(some) for some in (losses, ours)))
    return (mean(losses) - mean(ours)) / error


def _each(contender: Results) -> list[float]:
    return [seconds / contender["pieces"] for seconds in contender["seconds"]]


def _machines(results: Results) -> str:
    by_machine: dict[str, list[str]] = {}
    for name, machine in results["machines"].items():
        by_machine.setdefault(machine, []).append(name)
    several = len(by_machine) > 1
    named = {machine: f" of {', '.join(names)}" if several else "" for machine, names in by_machine.items()}
    lines = [f"Machine{names}: {machine}." for machine, names in named.items()]
    peaks = [c["peak"] for c in results["comparisons"].values() if "peak" in c]
    if peaks:
        said = [f"{kind} {_span([peak[kind] / 1e9 for peak in peaks], '')}" for kind in peaks[0]]
        lines.append(f"Peak of its matrix product, GFLOP/s: {'; '.join(said)}.")
    return "\n\n".join(lines) + "\n"


def _aims(comparisons: Results) -> str:
    lines = ["## Aims\n", "| aim | measured in | ratio | holds |", "|---|---|---|---|"]
    for words, name, others, least in AIMS:
        if name in comparisons:
            comparison = comparisons[name]
            worst = min((ratios(comparison, other) for other in others), key=median)
            lines.append(f"| {words} | {comparison['title']} | {_span(worst, '×')} | {_holds(worst, least)} |")
    for name, least in SHARES:
        if name in comparisons:
            title, ours = comparisons[name]["title"], comparisons[name]["contenders"]["ours"]["share_of_peak"]
            words, found = f"at ≥ {100 * least:.0f} % of the peak of all cores", f"{100 * ours:.2g} %"
            lines.append(f"| {words} | {title} | {found} | {'yes' if ours >= least else 'no'} |")
    return "\n".join(lines) + "\n"


def _holds(found: list[float], least: float) -> str:
    if median(found) < least:
        return "no"
    return "yes" if min(found) >= least else "yes, by the median"


def _comparison(comparison: Results) -> str:
    contenders = comparison["contenders"]
    first = next(iter(contenders.values()))
    lines = [f"## {comparison['title']}\n", f"{comparison['work'][0].upper()}{comparison['work'][1:]}.\n"]
    head = ["contender", "cores", "time for one", "ratio"]
    if "share_of_peak" in first:
        head.append("share of peak")
    head += [words for key, words in (("losses", "final training loss"), ("difference", "largest difference to ours"),
                                      ("eigenvalues", "eigenvalue")) if key in first]  # fmt: skip
    lines += [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, contender in contenders.items():
        title = contender["title"]
        if "compile_seconds" in contender:
            title += f" (compiled in {contender['compile_seconds']:.1f} s)"
        cells = [title, "one" if contender["cores"] == ONE else "all", _time(_each(contender))]
        cells.append("" if name == "ours" else _span(ratios(comparison, name), "×"))
        if "share_of_peak" in contender:
            cells.append(f"{100 * contender['share_of_peak']:.2g} %")
        if "losses" in contender:
            cells.append(_losses(contender, contenders["ours"]))
        if "difference" in contender:
            cells.append(f"{contender['difference']:.1e}" if contender["difference"] else "0")
        if "eigenvalues" in contender:
            cells.append(_span(contender["eigenvalues"], ""))
        lines.append(f"| {' | '.join(cells)} |")
    if "floor" in contenders:
        lines.append(_floor(contenders))
    return "\n".join(lines) + "\n"


def _floor(contenders: Results) -> str:
    """Tell what limits a way that uses torch's operations, from the time of the products alone."""
    floor, ours = (1e3 * median(_each(contenders[name])) for name in ("floor", "ours-one-core"))
    said = (
        f"\nOn one core the products of these steps by themselves take torch {floor:.3g} ms a net, "
        f"{100 * floor / ours:.0f} % of what netclaims takes there"
    )
    if "share_of_peak" not in contenders["floor"]:
        return f"{said}."
    return f"{said}: {100 * contenders['floor']['share_of_peak']:.2g} % of the peak is the most that torch's allow."


def _losses(contender: Results, ours: Results) -> str:
    if not contender["losses"][0]:
        return ""
    own, reference = ([loss for repeat in who["losses"] for loss in repeat] for who in (contender, ours))
    said = f"{mean(own):.4f} ± {stdev(own):.4f} ({len(own)} nets)"
    if contender is ours:
        return said
    apart = agreement(own, reference)
    return f"{said}, {'agrees' if abs(apart) <= SAME_WITHIN else '**differs**'}: {apart:+.1f} standard errors"


def _span(values: list[float], unit: str) -> str:
    low, high = (f"{bound:.3g}" for bound in (min(values), max(values)))
    middle = f"{median(values):.3g}{unit}"
    return middle if low == high else f"{middle} [{low}, {high}]"


def _time(seconds: list[float]) -> str:
    if median(seconds) >= 1:
        return _span(seconds, " s")
    return _span([1e3 * some for some in seconds], " ms")


AXES = {"replicas": "replicas together", "parameters": "parameters", "examples": "examples", "batch_size": "batch size"}


def _curves(curves: Results) -> str:
    lines = [
        f"## {curves['title']}\n",
        "![Seconds against replicas, parameters, examples and batch size](scaling.svg)\n",
        f"Replicas: small nets, {curves['epochs']} epochs, the time of all of them. The others: dense nets of three "
        "equal hidden layers on MNIST (256 wide, 4,000 images, batches of 64, where nothing else is said), the time "
        "of one net and one epoch. netclaims on one core; the homework loop on all, small nets without a DataLoader.\n",
        "| | | netclaims, one core | homework loop | ratio |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for axis, table in curves["axes"].items():
        for i, value in enumerate(table["values"]):
            ours, theirs = (table["seconds"][who][i] for who in ("ours", "homework"))
            ratio = [b / a for a, b in zip(ours, theirs, strict=True)]
            said = [AXES[axis] if i == 0 else "", f"{value:,}", _time(ours), _time(theirs), _span(ratio, "×")]
            lines.append(f"| {' | '.join(said)} |")
    return "\n".join(lines) + "\n"


def _processes(found: Results) -> str:
    lines = [
        f"## {found['title']}\n",
        "The same runs, one after another in one process, and at once in as many as there are cores (their start "
        "included); the efficiency is the speed-up divided by the number of processes.\n",
        "| runs | one process | several | processes | speed-up | efficiency |",
        "|---|---|---|---|---|---|",
    ]
    for entry in found["lists"].values():
        one, several, count = entry["seconds"]["one"], entry["seconds"]["all"], entry["processes"]
        gain = [a / b for a, b in zip(one, several, strict=True)]
        efficiency = f"{100 * median(gain) / count:.0f} %"
        cells = [entry["work"], _time(one), _time(several), str(count), _span(gain, "×"), efficiency]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
