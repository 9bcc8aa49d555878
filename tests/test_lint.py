"""What no code of the project may do: run what a file or a setting holds. Every ban is seen to fail."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ["benchmarks", "src/netclaims/training", "stages", "tests/training"]
FILES = [path for folder in ("benchmarks", "src", "stages", "tests") for path in (ROOT / folder).rglob("*.py")]
EXCUSED = {"S310", "S311", "S314", "S506", "S603", "S606", "S607", "S704"}  # may be left out in a line that says why


REFUSED = [
    ("import pickle", "TID251"),
    ("from pickle import loads", "TID251"),
    ("import pickle; pickle.loads(b'')", "S301"),
    ("import cloudpickle", "TID251"),
    ("import dill", "TID251"),
    ("import jsonpickle", "TID251"),
    ("import marshal", "TID251"),
    ("import marshal; marshal.loads(b'')", "S302"),
    ("import shelve", "TID251"),
    ("import joblib; joblib.load('x')", "TID251"),
    ("from joblib import dump", "TID251"),
    ("import torch; torch.load('x', weights_only=True)", "TID251"),
    ("import torch as t; t.save({}, 'x')", "TID251"),
    ("import pandas as pd; pd.read_pickle('x')", "TID251"),
    ("import pandas as pd; pd.eval('x')", "TID251"),
    ("eval('x')", "S307"),
    ("exec('x')", "S102"),
    ("import yaml; yaml.load('x', yaml.Loader)", "S506"),
    ("import yaml; yaml.load_all('x', yaml.Loader)", "TID251"),
    ("import yaml; yaml.full_load('x')", "TID251"),
    ("import yaml; yaml.full_load_all('x')", "TID251"),
    ("import yaml; yaml.unsafe_load('x')", "TID251"),
    ("import yaml; yaml.unsafe_load_all('x')", "TID251"),
    ("import os; os.system('ls')", "S605"),
    ("import os; os.popen('ls')", "S605"),
    ("import subprocess; subprocess.getoutput('ls')", "S605"),
    ("import subprocess; subprocess.run('ls', shell=True)", "S602"),
    ("start('ls', shell=True)", "S604"),
    ("import asyncio; asyncio.create_subprocess_shell('ls')", "TID251"),
    ("import tarfile; tarfile.open('x').extractall()", "S202"),
    ("import shutil; shutil.unpack_archive('x')", "TID251"),
    ("x = 1  # noqa", "PGH004"),
]


@pytest.fixture(scope="module")
def faults(tmp_path_factory) -> set[tuple[str, str]]:
    """What ruff finds where each of these lines is a file in each of the folders: paths, and rules."""
    root = tmp_path_factory.mktemp("refused")
    shutil.copy(ROOT / "pyproject.toml", root)
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
        for number, (line, _) in enumerate(REFUSED):
            (root / folder / f"code_{number}.py").write_text(f"{line}\n", encoding="utf-8")
    words = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=json"]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 (a list, no shell)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    return {(Path(fault["filename"]).relative_to(root).as_posix(), fault["code"]) for fault in found}


@pytest.mark.parametrize(("line", "rule"), REFUSED)
def test_ruff_refuses_it_wherever_it_stands(line, rule, faults):
    number = REFUSED.index((line, rule))
    assert [folder for folder in FOLDERS if (f"{folder}/code_{number}.py", rule) not in faults] == []


def unseen_by_ruff(code: str) -> list[str]:
    """Calls of the built-in `compile`, and those that let numpy unpickle, which it does not unless told to."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    pickling = [
        c for c in calls if any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in c.keywords)
    ]
    return [ast.unparse(call) for call in calls if call in pickling or ast.unparse(call.func) == "compile"]


def test_no_code_does_what_ruff_cannot_see():
    refused = ["compile('x', '', 'eval')", "np.load('x', allow_pickle=True)", "np.load('x', allow_pickle=flag)"]
    assert unseen_by_ruff("\n".join(refused)) == refused
    assert unseen_by_ruff("re.compile('x')\nnp.load('x')\nnp.load('x', allow_pickle=False)") == []
    for path in FILES:
        code = path.read_text(encoding="utf-8")
        if "allow_pickle" in code or "compile(" in code:
            assert unseen_by_ruff(code) == [], path


def test_a_line_that_is_excused_says_why_and_no_ban_is_excused():
    for path in FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            for rules, reason in re.findall(r"# (?:ruff: )?noqa: ((?:[A-Z]+\d+(?:, )?)+)(.*)", line):
                banned = {rule for rule in rules.split(", ") if re.match(r"S\d|TID|PGH", rule)}
                assert banned <= EXCUSED, line
                assert not banned or re.fullmatch(r" \(.+\)", reason), line
