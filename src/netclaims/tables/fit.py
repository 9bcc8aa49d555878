"""What the analysis `fit` writes for each net: `runs/<key>.fit.csv`."""

from netclaims.tables.columns import Column, Table, named

DRAWN = ("inside", "edges")  # the regions that figures show
FIT = Table(
    "fit",
    (
        *named("function", "model", "replica"),
        Column("region", words=(*DRAWN, "upper edge", "whole")),
        *named("mean_square", "right_sign"),
        Column("layers", stored=False),
    ),
    by=("function", "model", "region", "replica"),
)
