"""The folder `runs/<experiment>/` that training leaves behind: writing it and reading it back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from netclaims.errors import SettingsError
from netclaims.files import as_written, first, read_table, write_table
from netclaims.nets.network import Weights
from netclaims.paths import RUNS, report_path
from netclaims.tables.training import HISTORY, NETS, STEPS
from netclaims.training.recorder import TrainingRecord
from netclaims.training.runs import Run
from netclaims.training.settings import Training


def write_runs(experiment: Training, runs: list[Run], records: list[TrainingRecord]) -> None:
    """Write `runs/<experiment>/`, in place of what was there.

    - `nets.csv`: a row per net: which run and member of it, its settings, and how it ended;
    - `controls.csv`: likewise the nets of the control, if there is one, which the other tables leave out;
    - `history.csv`: losses and accuracies of every net at every epoch at which it was measured, until its end;
    - `steps.csv`: loss and gradient norm of every net at every step until its end, if recorded;
    - `weights.safetensors`: final weights as `<run>/<tensor>`, (members, ...);
    - `snapshots.safetensors`: likewise (members, epochs, ...), with `<run>/epochs`, if recorded; those after the end of
      a member, at `epoch` in `nets.csv`, are its final weights;
    - `outputs.safetensors`: what nets that fit a function give on the held-out points, as `<run>`.

    Args:
        experiment: what was trained.
        runs: all of its runs.
        records: what each of them left, in the same order.
    """
    folder = RUNS / runs[0].key
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    nets, controls, history, steps = [], [], [], []
    for i, (run, of_run) in enumerate(zip(runs, records, strict=True)):
        for j, net in enumerate(run.members):
            where, record = {"run": i, "member": j}, of_run.member(j)
            rows = pd.DataFrame({name: values[0].numpy() for name, values in record.history.items()})
            rows = rows.assign(epoch=record.epochs, **where)
            row = (where | {"function": net.function, "model": run.model, **run.setting, "replica": net.replica}
                   | {"parameters": experiment.parameters(run.model), "diverged": record.diverged[0]}
                   | rows.iloc[-1][["epoch", *record.history]].to_dict())  # fmt: skip
            if run.control:
                controls.append(row)
                continue
            nets.append(row)
            history.append(rows)
            if record.steps:
                rows = pd.DataFrame({name: values[0].numpy() for name, values in record.steps.items()})
                steps.append(rows.assign(step=range(1, len(rows) + 1), **where))
    for name, table in (("nets", nets), ("controls", controls)):
        if table:
            write_table(folder / f"{name}.csv", NETS.checked(pd.DataFrame(table).astype({"epoch": int})))
    write_table(folder / "history.csv", HISTORY.checked(first(pd.concat(history), ["run", "member", "epoch"])))
    if steps:
        write_table(folder / "steps.csv", STEPS.checked(first(pd.concat(steps), ["run", "member", "step"])))
    _save(folder / "weights.safetensors", {i: record.weights for i, record in enumerate(records)})
    if records[0].snapshots:
        of_nets = [record for run, record in zip(runs, records, strict=True) if not run.control]
        snapshots = [record.snapshots | {"epochs": torch.tensor(record.snapshot_epochs)} for record in of_nets]
        _save(folder / "snapshots.safetensors", dict(enumerate(snapshots)))
    if experiment.functions:
        _write(folder / "outputs.safetensors", {str(i): record.outputs for i, record in enumerate(records)})


def _save(path: Path, runs: dict[int, Weights]) -> None:
    _write(path, {f"{i}/{name}": w for i, weights in runs.items() for name, w in weights.items()})


def _write(path: Path, tensors: Weights) -> None:
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    except SafetensorError as error:  # a full disk raises it too
        raise OSError(f"{path}: {error}") from None


def read_weights(key: str) -> dict[int, Weights]:
    """Read the final weights of every run of an experiment, by the number of the run: tensors (members, ...)."""
    return _load(RUNS / key / "weights.safetensors")


def read_snapshots(key: str, stops: bool) -> tuple[Weights, list[int], list[int]]:
    """Read the paths of all nets of an experiment of one model that did not diverge, over the same epochs.

    The epochs are those of the snapshots until the longest training ended. A net that a rule stopped before that
    stands still from then on, at its final weights. Where there is such a rule, the end of the longest is among the
    epochs too: it may come before the second snapshot.

    Args:
        key: the name of the experiment.
        stops: whether a rule may end its nets before their epochs are over.

    Returns:
        The weights, (nets, epochs, ...); which replica each of the nets is; and the epochs. All three are empty where
        every net diverged.

    Raises:
        SettingsError: there are no two epochs, and so no path.
    """
    nets = read_table(key, "nets")
    nets = nets[~nets["diverged"]]
    final, snapshots = read_weights(key), _load(RUNS / key / "snapshots.safetensors")
    if nets.empty:
        return {name: w.new_empty(0, 0, *w.shape[1:]) for name, w in final[0].items()}, [], []
    end = int(nets["epoch"].max())
    epochs = max((snapshots[run]["epochs"].tolist() for run in nets["run"]), key=len)
    epochs = [epoch for epoch in epochs if epoch <= end]  # a net that diverged may have gone further
    if stops and epochs[-1] < end:
        epochs.append(end)
    if len(epochs) < 2:
        where = f"{report_path(key)}: experiments.{key}"
        if stops:
            raise SettingsError(f"{where}.stop: lower; all nets meet it at the start: no path")
        raise SettingsError(f"{where}.record.weights_every: at most its epochs; from initial weights alone, no path")
    paths = {
        name: torch.stack(
            [_path(snapshots[net.run][name], final[net.run][name], net.member, epochs) for net in nets.itertuples()]
        )
        for name in final[0]
    }
    return paths, nets["replica"].tolist(), epochs


def _path(snapshots: torch.Tensor, final: torch.Tensor, member: int, epochs: list[int]) -> torch.Tensor:
    """Return one tensor of one net at these epochs, (epochs, ...): as it ended where its run has no snapshots."""
    own = snapshots[member][: len(epochs)]
    return torch.cat([own, final[member].expand(len(epochs) - len(own), *final.shape[1:])])


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
