"""Training the runs of an experiment, with progress for whoever watches."""

from __future__ import annotations

import sys
from multiprocessing import current_process

import torch
from tqdm import tqdm

from netclaims.parallel.jobs import cluster, in_one_thread, on_cluster
from netclaims.parallel.processes import each
from netclaims.training.checkpoint import Checkpoint
from netclaims.training.loop import train
from netclaims.training.recorder import TrainingRecord
from netclaims.training.runs import Run, trained_by
from netclaims.training.settings import Training


def train_all(runs: list[Run], experiment: Training, code: dict[str, str]) -> list[TrainingRecord]:
    """Train every run that an earlier attempt has not finished, the largest networks first, and show their epochs.

    Finished runs leave their records as checkpoints, until these are discarded.

    Args:
        runs: what to train.
        experiment: what they belong to.
        code: versions of the code and the libraries, without which a checkpoint is nobody's.

    Returns:
        The records, in the order of the runs.
    """
    torch.set_num_threads(1)
    if any(trained_by(experiment, run.model, run.device) == "kernel" for run in runs):
        from netclaims.kernel.compiled import kernel

        kernel()  # loaded once, and so by all processes that are forked
    checkpoints = [Checkpoint(run, experiment, code) for run in runs]
    left = [i for i, checkpoint in enumerate(checkpoints) if not checkpoint.record()]
    left.sort(key=lambda i: -experiment.parameters(runs[i].model))
    labels = [f"{runs[i].key}: run {place} of {len(left)}, {runs[i].model}" for place, i in enumerate(left, start=1)]
    if cluster():

        def keep(place: int, record: TrainingRecord) -> None:
            _keep(checkpoints[left[place]], record, labels[place])

        on_cluster([(in_one_thread, (train, (runs[i], experiment))) for i in left], runs[0].key, keep)
    else:
        jobs = [(runs[i], experiment, checkpoints[i], label) for i, label in zip(left, labels, strict=True)]
        each([(in_one_thread, (_train, job)) for job in jobs])
    return [checkpoint.record() for checkpoint in checkpoints]


def _train(run: Run, experiment: Training, checkpoint: Checkpoint, label: str) -> None:
    # Each worker has a line of its own; without a terminal there is none at all.
    worker = next(iter(current_process()._identity), 1) - 1
    with tqdm(total=run.epochs, desc=label, unit="epoch", position=worker, leave=False, disable=None) as bar:

        def watch(epoch: int, loss: float) -> None:
            bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
            bar.update(epoch - bar.n)

        record = train(run, experiment, watch, checkpoint)
    _keep(checkpoint, record, label)


def _keep(checkpoint: Checkpoint, record: TrainingRecord, label: str) -> None:
    if any(record.diverged):
        print(f"{label}: {sum(record.diverged)} of {len(record.diverged)} nets diverged", file=sys.stderr)  # noqa: T201
    checkpoint.save_record(record)
