"""Settings as one would say them, from the keys and values that entries of reports/ have."""

from __future__ import annotations

import re

from netclaims.present.wording import minus

# The first that fits a line counts. A line is a key, its part if it has any, and its value, all with spaces.
WORDS = [
    (r"least replicas (.+)", r"at least \1 replicas"),
    (r"(replicas|epochs|points|examples) (.+)", r"\2 \1"),
    (r"batch size full", "all examples in one batch"),
    (r"batch size (.+) \(knob\)", r"batches of \1 (the knob)"),
    (r"batch size \(knob\)", "batch size: the knob"),
    (r"batch size (.+)", r"batches of \1"),
    (r"loss mse", "mean squared error"),
    (r"loss cross entropy", "cross-entropy"),
    (r"fitted unexplained (.+)", r"fitted when a share of \1 of the variance is left"),
    (r"fitted accuracy (.+)", r"fitted when a share of \1 of the training labels is right"),
    (r"domain (.+), (.+)", r"x from \1 to \2"),
    (r"record weights every 1", "weights kept every epoch"),
    (r"record weights every (.+)", r"weights kept every \1 epochs"),
    (r"record (.+)", r"kept: \1"),
    (r"shuffle labels (.+)", r"share of shuffled labels: \1"),
    (r"control (.+)", r"control: \1 once more, with data in another order"),
    (r"sweep equal (.+)", r"compared at equal \1"),
    (r"sweep shuffle labels (.+)", r"share of shuffled labels varied: \1"),
    (r"sweep (.+?) ([-\d].*)", r"\1 varied: \2"),
    (r"tune (.+?) ([-\d].*|adam.*)", r"\1 tuned among \2"),
    (r"stop loss change (.+)", r"stops when the loss changes by less than \1"),
    (r"stop gradient norm (.+)", r"stops when the gradient norm is below \1"),
    (r"schedule step (.+)", r"learning rate lowered every \1 epochs"),
    (r"schedule factor (.+)", r"to \1 of what it was"),
    (r"augment crop (.+)", r"random crops, shifted by up to \1 pixels"),
    (r"augment flip yes", "random mirror images"),
    (r"augment flip no", "no mirror images"),
    (r"resample yes", "each replica draws training images of its own"),
    (r"resample no", "all replicas see the same training images"),
    (r"pca layer (.+)", r"layer \1 looked at by itself"),
    (r"pca (points|examples) (.+)", r"loss surface of \2 \1"),
    (r"sensitivity curvature epsilon (.+)", r"sharpness in a box of \1"),
    (r"sensitivity curvature (.+) (\S+)", r"curvature: \2 \1"),
    (r"sensitivity examples (.+)", r"sensitivity on \1 examples"),
    (r"interpolate over (.+)", r"line between nets of two values of the \1"),
    (r"interpolate between (.+), (.+)", r"from \1 to \2"),
    (r"interpolate alpha (.+), (.+)", r"α from \1 to \2"),
    (r"interpolate (points|examples) (.+)", r"line: \2 \1"),
    (r"hessian starts (.+)", r"searches begin: \1"),
    (r"hessian descent (.+)", r"up to \1 steps down first"),
    (r"hessian iterations (.+)", r"up to \1 steps of the search"),
    (r"hessian neighbours (.+)", r"\1 neighbours"),
    (r"hessian radius (.+)", r"neighbours within \1"),
]


def in_words(line: str) -> str:
    """Return a setting as one would say it; a line of which nothing is known stays as it is."""
    for pattern, words in WORDS:
        if found := re.fullmatch(pattern, line):
            return minus(found.expand(words))
    return minus(line)
