"""What a run has come to, on disk until its outputs are stored: an interrupted training goes on from there.

A run's file `checkpoints/<experiment>/<digest>.safetensors` holds its state after an epoch, and when it is finished its
record. The digest is over everything that its numbers depend on, so that no other run ever reads it.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from netclaims.paths import CHECKPOINTS, DATA
from netclaims.training.recorder import TrainingRecord
from netclaims.training.runs import Run
from netclaims.training.settings import Training

# The state of a run is saved after the first epoch that ends so many seconds after the last time, and so rarely that
# saving takes at most a twentieth of the time. Whether it is saved changes no number.
SECONDS, SHARE = 5.0, 1 / 20

NOT_OF_A_RUN = {"settings", "models", "replicas", "scale", "swept", "tuned", "fitted"}

# Tensors, numbers, strings, booleans and None, in lists and in dictionaries with strings as keys.
State = dict[str, Any]


class Checkpoint:
    """The file of one run."""

    def __init__(self, run: Run, experiment: Training, code: dict[str, str]) -> None:
        """Name the file of a run; nothing is read or written yet.

        Args:
            run: what is trained.
            experiment: what the run belongs to.
            code: versions of the code and the libraries that train it.
        """
        self.path = CHECKPOINTS / run.key / f"{_digest(run, experiment, code)}.safetensors"
        self._next = monotonic() + SECONDS

    @property
    def due(self) -> bool:
        """Whether it is time to save the state."""
        return monotonic() >= self._next

    def save_state(self, state: State) -> None:
        """Save the state of a run that is not finished."""
        begun = monotonic()
        _write(self.path, {"state": state})
        self._next = monotonic() + max(SECONDS, (monotonic() - begun) / SHARE)

    def state(self) -> State | None:
        """Load a state saved by `save_state`; None if there is none, or the run is finished."""
        return _read(self.path).get("state")

    def save_record(self, record: TrainingRecord) -> None:
        """Save the record of a finished run, in place of its state."""
        _write(self.path, {"record": vars(record)})

    def record(self) -> TrainingRecord | None:
        """Load the record of a finished run; None if it is not finished."""
        found = _read(self.path).get("record")
        return None if found is None else TrainingRecord(**found)


def _digest(run: Run, experiment: Training, code: dict[str, str]) -> str:
    """Return a digest over what the numbers of a run depend on: its settings, its data and the code."""
    # This run does not depend on what else is trained, nor on what is made of it.
    whole = asdict(experiment)
    settings = {name: value for name, value in whole.items() if name not in NOT_OF_A_RUN}
    said = json.dumps([asdict(run), whole["models"][run.model], settings, code], sort_keys=True)
    digest = hashlib.sha256(said.encode())
    digest.update((DATA / experiment.data / "manifest.json").read_bytes())
    return digest.hexdigest()[:32]


def _write(path: Path, content: State) -> None:
    """Replace the file at one stroke: whoever stops this, and when, the file is the old one or the new one."""
    tensors: dict[str, Tensor] = {}

    def aside(tensor: Tensor) -> dict[str, str]:
        name = str(len(tensors))
        tensors[name] = tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        return {"tensor": name}

    described = json.dumps(content, default=aside)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    try:
        with new.open("wb") as file:
            file.write(save(tensors, {"content": described}))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _read(path: Path) -> State:
    """Load what `_write` saved; nothing where there is no file, or one that is damaged."""
    try:
        with safe_open(path, "pt") as file:
            # Each is copied: tensors out of a file lie unaligned in memory.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (no mapping)
            return json.loads(
                file.metadata()["content"], object_hook=lambda d: tensors[d["tensor"]] if d.keys() == {"tensor"} else d
            )
    except (FileNotFoundError, SafetensorError, ValueError, KeyError, TypeError):
        return {}
