"""The figure of all verdicts at a glance: a mark for every claim, by question and report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from netclaims.claims.verdicts import VERDICTS
from netclaims.present import style
from netclaims.present.shown_claim import ShownClaim
from netclaims.present.style import QUIET
from netclaims.questions import ANSWERED

ABREAST = 7  # so many marks go side by side, and more below
STEP, LINE, CELL, LABEL = 0.15, 0.17, 1.2, 4.4  # inches


def draw_verdicts(
    claims: Mapping[str, ShownClaim], verdicts: Mapping[str, str], provisional: Collection[str], scale: str
) -> Figure:
    """Draw a row for every question, in the order of the assignment, and a column for every report.

    Args:
        claims: every claim by its name.
        verdicts: those on them.
        provisional: the claims on which they are that: marks without a filling.
        scale: named in the title.
    """
    style.apply()
    reports = sorted({claim.report for claim in claims.values()})
    cells: dict[str, dict[str, list[tuple[str, bool]]]] = {}
    for key, claim in sorted(claims.items(), key=lambda item: item[1].part):
        cells.setdefault(claim.question, {}).setdefault(claim.report, []).append((verdicts[key], key in provisional))
    lines = [max((len(found) - 1) // ABREAST + 1 for found in row.values()) for row in cells.values()]
    width, height = LABEL + CELL * len(reports) + 0.1, LINE * sum(lines) + 0.1 * len(lines) + 1.0
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    axes.text(0.1, 0.2, f"Verdicts on {len(claims)} claims, at the {scale} scale", weight="bold", size=11, va="center")
    for i, report in enumerate(reports):
        axes.text(LABEL + CELL * i, 0.85, report, weight="bold", va="center")
    top = 1.0
    for (question, row), count in zip(cells.items(), lines, strict=True):
        axes.axhline(top, color="#E4E4E4", lw=0.6)
        top += 0.05
        axes.text(0.1, top + LINE / 2, ANSWERED[question], va="center", size=8.5)
        for report, found in row.items():
            found = sorted(found, key=lambda one: (list(VERDICTS).index(one[0]), one[1]))
            for i, (verdict, hollow) in enumerate(found):
                look = {"color": VERDICTS[verdict].colour, "marker": VERDICTS[verdict].marker}
                look |= {"fillstyle": "none" if hollow else "full"}
                x = LABEL + 0.05 + CELL * reports.index(report) + STEP * (i % ABREAST)
                axes.plot(x, top + LINE * (i // ABREAST + 0.5), **look, ms=6, clip_on=False)
        top += LINE * count + 0.05
    counted = Counter(verdicts.values())
    marks = [Line2D([], [], color=verdict.colour, marker=verdict.marker, ls="", ms=6, label=f"{counted[name]} {name}")
             for name, verdict in VERDICTS.items()]  # fmt: skip
    marks.append(Line2D([], [], color=QUIET, marker="o", fillstyle="none", ls="", ms=6,
                        label=f"{len(provisional)} of these provisional"))  # fmt: skip
    axes.legend(
        handles=marks, ncols=len(marks), loc="upper left", bbox_to_anchor=(0, 1 - 0.3 / height), labelcolor=QUIET
    )
    return figure
