"""What DVC and other libraries take for granted of the environment: put there where it is missing, or asked for."""

from __future__ import annotations

import os
import warnings
from getpass import getuser
from pathlib import Path

from dvc.config import Config
from dvc.dirs import site_cache_dir

from netclaims.errors import SettingsError

SITE_CACHE = "DVC_SITE_CACHE_DIR"


def settle() -> None:
    """Make sure that this process, and those that it starts, find what libraries need.

    A user may have no name, as one that a container is told by number alone. Warnings are for those who write
    libraries: with PYTHONWARNINGS=error the first would end a run.

    Raises:
        SettingsError: a variable has to be set, in one line that names it.
        DvcException: DVC's own settings cannot be read.
    """
    warnings.simplefilter("ignore")
    os.environ.pop("PYTHONWARNINGS", None)
    try:
        getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = str(os.getuid())
    home = os.path.expanduser("~")  # noqa: PTH111 (Path.expanduser raises where there is none)
    if not Path(home).is_absolute():
        raise SettingsError("HOME: a folder of yours, of this environment variable, as this user has none")
    folder = Path(site_cache_dir(Config(".dvc")["core"].get("site_cache_dir")), "repo").absolute()
    there = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise SettingsError(f"{SITE_CACHE}: a folder that can be written, of this environment variable; not {there}")
