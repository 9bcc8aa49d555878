"""Links of the pages at the root and in docs/ lead to files that Git holds."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from netclaims.settings.analyses import ANALYSES

ROOT = Path(__file__).parents[1]
HELD = {ROOT / name for name in subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True,  # noqa: S607 (Git)
                                               check=True).stdout.split("\0") if name}  # fmt: skip


@cache
def to_be_analysed() -> set[str]:
    """What has been trained at the paper scale, and of which an analysis, and so a figure, is still to come."""
    lock = yaml.safe_load((ROOT / "results/paper/dvc.lock").read_text(encoding="utf-8"))["stages"]
    analyses = [(f"{kind}@{key}", key, entry["nets"]) for path in ROOT.glob("reports/*.yaml")
                for kind, entries in yaml.safe_load(path.read_text(encoding="utf-8")).items() if kind in ANALYSES
                for key, entry in entries.items()]  # fmt: skip
    return {key for stage, key, nets in analyses if f"train@{nets}" in lock and stage not in lock}


@pytest.mark.parametrize(
    "page",
    [
        path.relative_to(ROOT).as_posix()
        for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/**/*.md")])
    ],
)
def test_links_lead_to_files_of_the_repository(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert links
    for link in filter(None, links):
        if page.startswith("results/paper/") and Path(link).parent.name in to_be_analysed():
            continue
        place = (ROOT / page).parent.joinpath(link).resolve()
        assert any(file == place or file.is_relative_to(place) for file in HELD), link
