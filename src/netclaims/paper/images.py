"""Whether there are the images of which data are to be prepared, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from netclaims.data.prepare import Preparation
from netclaims.paper.folder import SETTINGS


def missing_images(preparations: Iterable[Preparation], home: Path) -> str:
    """Say in a line which images are missing, and what brings them; nothing where they are there, or are fetched.

    Args:
        preparations: what is to be prepared of images.
        home: the root of the repository, from which places are named.
    """
    missing = [one for one in preparations if one.source.source == "images" and not one.source.place.exists()]
    said = [
        f"{os.path.relpath(one.source.place, home)}: no such folder or zip archive, of images for {one.name}; put it "
        f"there, or name another data set in {SETTINGS}, under scales.paper.data (`{one.name}: {one.name}` is fetched)"
        for one in missing
    ]
    return "; ".join(said)
