"""What a claim comes to on other nets, such as those that were trained on images of their own."""

from __future__ import annotations

from math import isfinite, nan, sqrt

import numpy as np

from netclaims.claims.entries import Comparison, Trend, operands
from netclaims.claims.evidence import Evidence
from netclaims.claims.experiment_tables import Tables
from netclaims.claims.mean_tests import logarithms
from netclaims.claims.per_replica import values_per_replica


def spread(comparison: Comparison, tables: Tables) -> float:
    """Return the standard deviation over replicas of what a comparison looks at first, pooled over settings.

    That of logarithms where it is of ratios. Settings at which a value is infinite are left out; undefined where none
    is left, and for a course.

    Args:
        comparison: the one of a claim that counts.
        tables: of the nets.
    """
    operand = operands(comparison)[0]
    if not operand.is_number:
        return nan
    along = [comparison.along] if isinstance(comparison, Trend) else []
    by = list(dict.fromkeys([*comparison.each, *along]))
    table, _ = values_per_replica(tables, operand, ["replica", *by])
    if getattr(comparison, "ratio", False):
        table["value"] = logarithms(table["value"])
    groups = table.groupby(by) if by else [((), table)]
    variances = [values["value"].var() for _, values in groups if np.isfinite(values["value"]).all()]
    return sqrt(np.mean(variances)) if variances else nan


def beside(evidence: Evidence, measured: str, ours: float, theirs: float) -> str:
    """Tell an effect that came out elsewhere, with its interval, and how many times as far outcomes spread there.

    Args:
        evidence: of the other nets.
        measured: what decides the claim; said is what else may have been the weakest of the others' comparisons.
        ours: the spread of the nets that decide the claim.
        theirs: that of the others.
    """
    of = f" of {evidence.measured}" if evidence.measured != measured else ""
    said = f"effect{of} {evidence.effect:.3g} ({evidence.low:.3g} to {evidence.high:.3g})"
    if not (isfinite(theirs) and ours > 0):
        return said
    return f"{said}, outcomes spread {theirs / ours:.2g} times as far"
