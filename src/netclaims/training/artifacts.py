"""The folder `runs/<experiment>/` that training leaves behind: writing it and reading it back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from netclaims.files import as_written, first, read_table, write_table
from netclaims.nets.network import Weights
from netclaims.paths import RUNS
from netclaims.tables.training import HISTORY, NETS, STEPS
from netclaims.training.recorder import TrainingRecord
from netclaims.training.runs import Run
from netclaims.training.training import Training


def write_runs(experiment: Training, runs: list[Run], traces: list[TrainingRecord]) -> None:
    """Write `runs/<experiment>/`, in place of what was there.

    - `nets.csv`: a row per net: which run and member of it, its settings, and how it ended;
    - `controls.csv`: likewise the nets of the control, if there is one, which the other tables leave out;
    - `history.csv`: losses and accuracies of every net at every recorded epoch;
    - `steps.csv`: loss and gradient norm of every net at every step, if recorded;
    - `weights.safetensors`: final weights as `<run>/<tensor>`, (members, ...);
    - `snapshots.safetensors`: likewise (members, epochs, ...), with `<run>/epochs`, if recorded;
    - `outputs.safetensors`: what nets that fit a function give on the held-out points, as `<run>`.
    """
    folder = RUNS / runs[0].key
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    nets, controls, history, steps = [], [], [], []
    for i, (run, trace) in enumerate(zip(runs, traces, strict=True)):
        for j, net in enumerate(run.members):
            where = {"run": i, "member": j}
            rows = pd.DataFrame({name: values[j].numpy() for name, values in trace.history.items()})
            rows = rows.iloc[: trace.last[j] + 1].assign(epoch=trace.epochs[: trace.last[j] + 1], **where)
            row = (where | {"function": net.function, "model": run.model, **run.setting, "replica": net.replica}
                   | {"parameters": experiment.parameters(run.model), "diverged": trace.diverged[j]}
                   | rows.iloc[-1][["epoch", *trace.history]].to_dict())  # fmt: skip
            if run.control:
                controls.append(row)
                continue
            nets.append(row)
            history.append(rows)
            if trace.steps:
                rows = pd.DataFrame({name: values[j].numpy() for name, values in trace.steps.items()})
                steps.append(rows.assign(step=range(1, len(rows) + 1), **where))
    for name, table in (("nets", nets), ("controls", controls)):
        if table:
            write_table(folder / f"{name}.csv", NETS.checked(pd.DataFrame(table).astype({"epoch": int})))
    write_table(folder / "history.csv", HISTORY.checked(first(pd.concat(history), ["run", "member", "epoch"])))
    if steps:
        write_table(folder / "steps.csv", STEPS.checked(first(pd.concat(steps), ["run", "member", "step"])))
    _save(folder / "weights.safetensors", {i: trace.weights for i, trace in enumerate(traces)})
    if traces[0].snapshots:
        of_nets = [trace for run, trace in zip(runs, traces, strict=True) if not run.control]
        snapshots = [t.snapshots | {"epochs": torch.tensor(t.snapshot_epochs)} for t in of_nets]
        _save(folder / "snapshots.safetensors", dict(enumerate(snapshots)))
    if experiment.functions:
        _write(folder / "outputs.safetensors", {str(i): trace.outputs for i, trace in enumerate(traces)})


def _save(path: Path, runs: dict[int, Weights]) -> None:
    _write(path, {f"{i}/{name}": w for i, weights in runs.items() for name, w in weights.items()})


def _write(path: Path, tensors: Weights) -> None:
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    except SafetensorError as error:  # what safetensors makes of a full disk
        raise OSError(f"{path}: {error}") from None


def read_weights(key: str) -> dict[int, Weights]:
    """Final weights of every run of an experiment, by the number of the run: tensors of shape (members, ...)."""
    return _load(RUNS / key / "weights.safetensors")


def read_snapshots(key: str) -> tuple[Weights, list[int]]:
    """Recorded weights of all nets of an experiment of one model, (nets, epochs, ...), and the epochs.

    Nets that diverged are left out, and so are their epochs, of which there may be few. Where a rule stopped runs, the
    epochs are those that all of them have.
    """
    nets = read_table(key, "nets")
    kept = nets[~nets["diverged"]].groupby("run")["member"].agg(list)
    runs = _load(RUNS / key / "snapshots.safetensors")
    epochs = min((runs[run]["epochs"].tolist() for run in kept.index), key=len, default=[])
    weights = [name for name in runs[0] if name != "epochs"]
    parts = {name: [runs[run][name][members, : len(epochs)] for run, members in kept.items()] for name in weights}
    return {name: torch.cat(some or [runs[0][name][:0]]) for name, some in parts.items()}, epochs


def _load(path: Path) -> dict[int, Weights]:
    found: dict[int, Weights] = {}
    with as_written(path):
        tensors = load_file(path)
    for name, tensor in tensors.items():
        run, _, tensor_name = name.partition("/")
        found.setdefault(int(run), {})[tensor_name] = tensor
    return {run: dict(sorted(tensors.items(), key=_layer)) for run, tensors in sorted(found.items())}


def _layer(item: tuple[str, torch.Tensor]) -> tuple[int, bool]:
    number, _, kind = item[0].partition(".")
    return (int(number) if kind else 0), kind == "bias"
