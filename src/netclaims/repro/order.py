"""Which of several stages begins first: the one that leads to the most work, one stage after the other.

The work of a training follows from its recipe, as its scale's bound does. That of other stages is a rough estimate.
Both decide in which order stages begin, and what is said of the time left; neither is in any result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from netclaims.paths import recipe_of
from netclaims.training.budget import core_seconds
from netclaims.training.settings import Training

# Seconds of one core, of a stage of each kind at the quick scale; of a training, those besides its budget.
SECONDS = {"train": 4, "hessian": 25, "interpolate": 20, "sensitivity": 15, "figures": 8}
OTHERS = 4  # hardly more than the start of Python and the imports


def chains(needs: Mapping[str, Iterable[str]], seconds: Mapping[str, float]) -> dict[str, float]:
    """Return how long the longest chain of stages takes that begins with each.

    Args:
        needs: the stages that each stage needs, which come before it.
        seconds: what each of them takes.
    """
    after = dict.fromkeys(needs, 0.0)  # of the stages that need it
    found = {}
    for name in reversed(list(needs)):
        found[name] = seconds[name] + after[name]
        for needed in needs[name]:
            after[needed] = max(after[needed], found[name])
    return found


def nominal_seconds(names: Iterable[str]) -> dict[str, float]:
    """Estimate the seconds of one core that stages take, by their names."""
    found = {}
    for name in names:
        kind, _, key = name.partition("@")
        training = training_of(key) if kind == "train" else None
        found[name] = SECONDS.get(kind, OTHERS) + (core_seconds(training) if training else 0.0)
    return found


def training_of(key: str) -> Training | None:
    """Return a training by its recipe; None where there is none that can be read."""
    from pydantic import TypeAdapter  # where nothing has to run, nothing is estimated, and this takes its time

    try:
        settings = json.loads(recipe_of("train", key).read_bytes())["settings"]
        return TypeAdapter(Training).validate_python(settings)
    except (OSError, ValueError, KeyError, TypeError):
        return None
