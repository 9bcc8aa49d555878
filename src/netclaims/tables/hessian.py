"""What the analysis `hessian` writes for each net: `runs/<key>.hessian.csv`."""

from netclaims.tables.columns import Column, Table, named

HESSIAN = Table(
    "hessian",
    (
        *named("model", "function", "replica"),
        Column("kind", words=("zero gradient", "on a kink", "elsewhere")),
        *named(
            "loss", "trained_gradient_norm", "gradient_norm", "gradient_curvature", "switching_distance", "positive",
            "zero", "negative", "tolerance", "null_expected", "minimal_ratio", "minimal_ratio_nonzero",
            "higher_neighbours", "residual_share",
        ),
        Column("layers", stored=False),
    ),
    by=("function", "model", "replica"),
)  # fmt: skip
