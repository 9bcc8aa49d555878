"""What is said while a run goes on, where there is no terminal, and at its end."""

from types import SimpleNamespace

import pytest

from netclaims.repro import __main__ as repro
from netclaims.repro import display
from netclaims.repro.display import Display

STAGES = {"recipes": "", "train@x": "Deep and shallow nets"}


def test_a_line_for_every_stage_with_what_it_does(capsys):
    shown = Display(STAGES)
    shown.finished("recipes", "2 s", 1)
    shown.finished("train@x", "3 min", 2)
    assert capsys.readouterr().out.splitlines() == ["recipes: 2 s (1 of 2)",
                                                    "train@x: Deep and shallow nets; 3 min (2 of 2)"]  # fmt: skip


def test_in_a_log_every_minute_what_runs_and_the_time_left(monkeypatch, capsys):
    time = [1000.0]
    monkeypatch.setattr(display, "monotonic", lambda: time[0])
    shown = Display(STAGES)
    for _ in range(150):  # a second each
        time[0] += 1
        shown.show(1, ["recipes", "train@x"], 200)
    shown.close()
    said = capsys.readouterr()
    line = "1 of 2 stages; about 3 min left; recipes, train@x; Deep and shallow nets"
    assert said.out.splitlines() == [line, line]
    assert not said.err


@pytest.mark.parametrize(("targets", "expected"), [
    ([], ["report/index.html"]),
    (["figures@d"], ["plots/figures/d"]),
    (["train@x", "fit@x"], ["runs/x", "metrics/d/x.json", "plots/d/x", "runs"]),
])  # fmt: skip
def test_what_to_open_at_the_end(targets, expected, monkeypatch):
    outs = {
        "figures@d": ["plots/figures/d"],
        "train@x": ["runs/x", "metrics/d/x.json", "plots/d/x/curves.csv", "plots/d/x/final.csv"],
        "fit@x": ["runs/x.fit.csv", "metrics/d/x.json"],
    }
    stages = {name: SimpleNamespace(outs=[SimpleNamespace(def_path=path) for path in paths])
              for name, paths in outs.items()}  # fmt: skip
    monkeypatch.setattr(repro, "collect_stages", lambda _, names: [stages[name] for name in names])
    assert repro._to_open(None, targets) == expected
