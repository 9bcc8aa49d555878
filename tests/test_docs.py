"""Links of the pages at the root and in docs/ lead to files that Git holds."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HELD = {ROOT / name for name in subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True,  # noqa: S607 (Git)
                                               check=True).stdout.split("\0") if name}  # fmt: skip


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
        place = (ROOT / page).parent.joinpath(link).resolve()
        assert any(file == place or file.is_relative_to(place) for file in HELD), link
