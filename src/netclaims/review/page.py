"""A review as a page: the same as the comment, with every row, and figures and plots before and after."""

from __future__ import annotations

import json
from pathlib import Path

from markupsafe import Markup

from netclaims.present.inline import Figures
from netclaims.present.pages import render
from netclaims.present.wording import MARKS
from netclaims.review.changes import Changes
from netclaims.review.comment import summary
from netclaims.review.plots_template import vega


def review_page(changes: Changes, faults: list[str]) -> str:
    """Return the page.

    Args:
        changes: what the branch changes.
        faults: where the results are not in step with code and settings.
    """
    figures = Figures()
    pairs = [
        (pair.name, *(figures.inline(svg, f"{pair.name}, {when}") if svg else None
                      for svg, when in ((pair.before, "before"), (pair.after, "after"))))
        for pair in changes.figures
    ]  # fmt: skip
    return render(
        "review.html",
        folder=Path(__file__).parent,
        changes=changes,
        summary=summary(changes),
        faults=faults,
        marks=MARKS,
        pairs=pairs,
        plots={name: _json(plot) for name, plot in changes.plots.items()},
        vega=Markup(vega()) if changes.plots else "",  # noqa: S704 (of a package, and made fit for it)
        rules=figures.style(),
    )


def _json(plot: dict) -> Markup:
    """Return a specification for the inside of a `<script>`, which no `<` in its strings can end."""
    return Markup(json.dumps(plot).replace("<", "\\u003c"))  # noqa: S704 (the docstring says why)
