"""What DVC and other libraries take for granted of a machine: given to them, or asked for in one line."""

import getpass
import os
import warnings
from pathlib import Path

import pytest

from netclaims.environment import settle
from netclaims.errors import SettingsError


@pytest.fixture(autouse=True)
def usual(tmp_path, monkeypatch):
    """A user with a name, a home, and a folder for DVC."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ |= {"LOGNAME": "someone", "HOME": str(tmp_path), "DVC_SITE_CACHE_DIR": str(tmp_path / "a" / "b")}
    os.environ.pop("PYTHONWARNINGS", None)
    with warnings.catch_warnings():
        yield


def test_where_nothing_is_missing():
    before = dict(os.environ)
    settle()
    assert dict(os.environ) == before
    assert not Path("a").exists()  # DVC makes it, for all users


def test_warnings_are_no_errors():
    os.environ["PYTHONWARNINGS"] = "error"
    warnings.simplefilter("error")
    settle()
    warnings.warn("of a library", DeprecationWarning, stacklevel=1)
    assert "PYTHONWARNINGS" not in os.environ  # what is started inherits it


@pytest.mark.parametrize("error", [KeyError, OSError])  # before Python 3.13, and since
def test_a_user_without_a_name(error, monkeypatch):
    def nobody(number):
        raise error(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        os.environ.pop(name, None)
    settle()
    assert getpass.getuser() == str(os.getuid())


def asked_for() -> str:
    with pytest.raises(SettingsError) as error:
        settle()
    return str(error.value)


def test_a_user_without_a_home(monkeypatch):
    def nobody(number):
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    del os.environ["HOME"]
    assert asked_for() == "HOME: a folder of yours, of this environment variable, as this user has none"


def test_a_home_that_does_not_exist():
    os.environ["HOME"] = "/nonexistent/home"
    settle()


@pytest.mark.parametrize("how", ["variable", "setting"])
def test_a_site_cache_that_cannot_be_written(how, tmp_path, monkeypatch):
    """A file in its way, as the tests may run as root, who may write anywhere."""
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "cache"
    if how == "variable":
        os.environ["DVC_SITE_CACHE_DIR"] = str(folder)
    else:
        del os.environ["DVC_SITE_CACHE_DIR"]
        (tmp_path / ".dvc").mkdir()
        (tmp_path / ".dvc" / "config").write_text(f"[core]\n    site_cache_dir = {folder}\n", encoding="utf-8")
    told = "DVC_SITE_CACHE_DIR: a folder that can be written, of this environment variable; not"
    assert asked_for() == f"{told} {tmp_path / 'file'}"
    (tmp_path / "file").unlink()
    settle()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, what: what == os.F_OK and access(path, what))
    assert asked_for() == f"{told} {tmp_path}"
