"""What the analysis `hessian` writes for each net: `runs/<key>.hessian.csv`."""

from netclaims.tables.columns import Column, Table, named

# Where a search begins: at the end of training, going on with the loss first; there, with the gradient norm alone; at
# the first record of the weights after the start of training; at the start.
STARTS = ["descended", "trained", "early", "random"]
# How it ends: at a smooth point of zero gradient; where 0 is a mixture of one-sided gradients; and without either.
ENDS = (
    "zero gradient", "kinked minimum", "kinked saddle",
    "not resolved", "bound reached", "stalled at a kink", "elsewhere",
)  # fmt: skip

HESSIAN = Table(
    "hessian",
    (
        *named("model", "function", "replica"),
        Column("start", words=tuple(STARTS)),
        Column("kind", words=ENDS),
        *named(
            "loss", "trained_gradient_norm", "gradient_norm", "gradient_curvature", "switching_distance", "kinks",
            "positive", "zero", "negative", "tolerance", "null_expected", "minimal_ratio", "minimal_ratio_nonzero",
            "higher_neighbours", "residual_share",
        ),
        Column("layers", stored=False),
    ),
    by=("start", "function", "model", "replica"),
)  # fmt: skip
