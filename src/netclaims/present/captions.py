"""What stands below a figure: of which runs its numbers are."""

from __future__ import annotations

from collections.abc import Iterator

from netclaims.data.functions import FUNCTIONS, formula
from netclaims.present.wording import typeset

DIVERGED = "diverged"
TOLD = 3  # a caption names so many kinds of nets that diverged, and counts more


def caption(about: dict) -> str:
    """Return what a figure's numbers are of: data set, scale, replicas, and which nets diverged, if any.

    `about` is the experiment's metrics.
    """
    cut = "" if about["epochs"] == about["epochs_stated"] else f" of {about['epochs_stated']:,}"
    said = (
        f"{about['data']} · {about['scale']} scale: {about['train_examples']:,} training examples{_measured(about)}, "
        f"{about['epochs']:,}{cut} epochs · {about['replicas']} replicas"
    )
    return typeset(" · ".join(filter(None, [said, diverged(about)])))


def _measured(about: dict) -> str:
    some = about.get("train_examples_on_the_way", about["train_examples"])
    return "" if some == about["train_examples"] else f" (losses along the way: of the first {some:,})"


def ends(numbers: dict) -> str:
    """Return how the searches for points of zero gradient ended, from each start, by the metrics of the analysis."""
    return "; ".join(
        f"{start}: {', '.join(f'{count} {kind}' for kind, count in part['kinds'].items())}"
        for start, part in numbers.items()
        if isinstance(part, dict) and "kinds" in part
    )


def diverged(about: dict) -> str:
    """Return which of an experiment's nets diverged, and how many of how many; nothing if none did.

    `about` is the experiment's metrics.
    """
    kinds, replicas = dict(_diverged(about["models"], [])), about["replicas"]
    told = [f"{name} ({count} of {replicas})" for name, count in kinds.items() if count]
    if len(told) > TOLD:
        told = [f"{sum(kinds.values())} of {len(kinds) * replicas} nets"]
    return f"{DIVERGED}: {'; '.join(told)}" if told else ""


def _diverged(metrics: dict, names: list[str]) -> Iterator[tuple[str, int]]:
    """Yield names and numbers, from metrics by model, function and setting."""
    for name, part in metrics.items():
        if isinstance(part, dict):
            said = [*names, formula(name) if name in FUNCTIONS else name]
            if DIVERGED in part:
                yield ", ".join(said), part[DIVERGED]
            else:
                yield from _diverged(part, said)
