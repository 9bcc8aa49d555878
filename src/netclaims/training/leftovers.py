"""What trainings leave, and nothing needs once their outputs are stored. To remove it takes no torch."""

from __future__ import annotations

import shutil
from contextlib import suppress

from netclaims.paths import CHECKPOINTS, RUNS


def discard(report: str) -> None:
    """Remove the checkpoints of all experiments of a report whose outputs are written.

    No training does this at its end: DVC may be stopped, or find itself locked, before it has stored the outputs.
    """
    for folder in CHECKPOINTS.glob(f"{report}-*"):
        if (RUNS / folder.name).exists():
            shutil.rmtree(folder)
    with suppress(OSError):  # there is no folder, or others in it are still needed
        CHECKPOINTS.rmdir()
