"""docs/statistics.md states results of the paper scale: they are those that are there."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
KINDS = ("zero gradient", "kinked minimum", "bound reached")


def searches(report: str) -> dict[str, dict]:
    path = ROOT / f"results/paper/metrics/{report}/{report}-minimal-ratio.hessian.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    return {start: of for start, of in metrics.items() if isinstance(of, dict) and "kinds" in of}


def test_ends_of_searches():
    page = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-e]) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.M)
    assert {report for report, *_ in rows} == set("bcde")
    for report, *counts in rows:
        assert [int(count) for count in counts] == [
            searches(report)["descended"]["kinds"].get(kind, 0) for kind in KINDS
        ]
    by_norm = [of for start, of in searches("b").items() if start != "descended"]
    found = [of["kinds"].get("zero gradient", 0) for of in by_norm]
    total = sum(of["searches"] for of in by_norm)
    assert f"{sum(found)} of b's {total}" in " ".join(page.split())
    by_norm = [searches("d")[start] for start in ("early", "random")]
    ended = sum(of["kinds"].get("zero gradient", 0) for of in by_norm)
    said = f"Of d's {sum(of['searches'] for of in by_norm)} searches by the norm alone"
    assert said in " ".join(page.split())
    assert f"{ended} end at a zero gradient" in " ".join(page.split())
