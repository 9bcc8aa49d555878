"""What the analysis `fit` writes for each net: `runs/<key>.fit.csv`."""

from netclaims.tables.columns import Column, Table, named

FIT = Table(
    "fit",
    (
        *named("function", "model", "replica"),
        Column("region", words=("inside", "edges")),
        Column("mean_square"),
        Column("layers", stored=False),
    ),
    by=("function", "model", "region", "replica"),
)
