"""The findings as one picture, for pages that show pictures alone."""

from __future__ import annotations

from textwrap import wrap

from markupsafe import escape

from netclaims.claims.verdicts import VERDICTS
from netclaims.present.findings import Finding

WIDTH, AXIS, LINE, LETTERS = 940, 600, 19, 82  # where axes begin, the height of a line, and how much fits into one
STYLE = """text { font: 14px system-ui, sans-serif; fill: #1a1a1a }
.question { font-weight: 600 } .quiet, .axis text { fill: #575757; font-size: 12px }
.claimed { fill: currentColor; opacity: .15 } .line { stroke: currentColor; stroke-width: 2.5; fill: none }
.tick { stroke: #575757; stroke-dasharray: 2 2 } .axis circle { fill: currentColor }"""


def findings_figure(found: list[Finding]) -> str:
    """Return an SVG with a row for every finding: question, claim, verdict, and the effect on an axis."""
    parts, top = [], 10
    for one in found:
        claim, judged = one.row.claim, one.judged
        said = f"Report {claim.report} says: {claim.answer}. {judged.mark} This {one.said}: {one.found}"
        said += f", where {judged.claimed} was claimed ({judged.replicas} replicas, {judged.scale} scale)."
        lines = [("question", one.text), *(("said", line) for line in wrap(said, LETTERS)),
                 *(("quiet", line) for line in wrap("; ".join(judged.badges), LETTERS))]  # fmt: skip
        for i, (kind, line) in enumerate(lines):
            parts.append(f'<text class="{kind}" x="14" y="{top + LINE * (i + 1)}">{escape(line)}</text>')
        colour = VERDICTS[judged.verdict].colour
        axis = str(judged.axis).replace("<svg ", f'<svg x="{AXIS + 60}" y="{top + 12}" width="260" height="44" ', 1)
        parts.append(f'<g color="{colour}">{axis}</g>')
        top += LINE * max(3, len(lines)) + 16
        parts.append(f'<path d="M14 {top - 3}H{WIDTH - 14}" stroke="#dcdfe3"/>')
    if not found:
        parts.append(f'<text x="14" y="{top + LINE}">No claim has been decided by training yet.</text>')
        top += 2 * LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 6}" width="{WIDTH}" height="{top + 6}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
