"""How a script ends when something is wrong: one line, and a status that is not zero."""

import sys

import pytest

from netclaims.command import command
from netclaims.errors import DataError, SettingsError


@pytest.mark.parametrize(("error", "line"), [
    (SettingsError("params.yaml: seed: required"), "params.yaml: seed: required"),
    (DataError("a.zip: damaged"), "a.zip: damaged"),
    (FileNotFoundError(2, "No such file", "runs/x"),
     "runs/x: no such file; `dvc repro` runs the stage that writes it first"),
    (OSError(28, "No space left on device", "runs/x"), "runs/x: No space left on device"),
    (OSError(28, "No space left on device"), "train.py x: No space left on device"),
    (OSError("4096 requested and 0 written"), "train.py x: 4096 requested and 0 written"),
    (MemoryError(), "train.py x: not enough memory"),
    (ChildProcessError("a worker process was killed"), "train.py x: a worker process was killed"),
])  # fmt: skip
def test_one_line(error, line, monkeypatch):
    @command
    def main(key):
        raise error

    monkeypatch.setattr(sys, "argv", ["train.py", "x"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == line


def test_ctrl_c(monkeypatch, capsys):
    @command
    def main(key):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["train.py", "x"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "train.py x: interrupted; `dvc repro` goes on with what is not finished\n"
