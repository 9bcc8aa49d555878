"""Compare the working tree with a base: `python -m netclaims.review BASE [LINK]`.

Writes `review/index.html`, a page that needs nothing else, and `review/comment.md`, which says where the page is: LINK.
"""

import sys
from pathlib import Path

from dvc.exceptions import DvcException

from netclaims.environment import settle
from netclaims.errors import DataError, SettingsError
from netclaims.review.base import ReviewError
from netclaims.review.changes import find_changes
from netclaims.review.comment import comment, summary
from netclaims.review.page import review_page
from netclaims.review.staleness import faults

REVIEW = Path("review")


def main() -> None:
    """Write both, or end with one line and status 1."""
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m netclaims.review BASE [LINK]")
    try:
        settle()
        changes = find_changes(sys.argv[1])
        found = faults()
    except (ReviewError, SettingsError, DataError, DvcException) as error:
        sys.exit(str(error))
    REVIEW.mkdir(exist_ok=True)
    for name, text in {
        "index.html": review_page(changes, found),
        "comment.md": comment(changes, found, sys.argv[2] if len(sys.argv) == 3 else ""),
    }.items():
        (REVIEW / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"{summary(changes)}: {REVIEW}/index.html, {REVIEW}/comment.md")  # noqa: T201


if __name__ == "__main__":
    main()
