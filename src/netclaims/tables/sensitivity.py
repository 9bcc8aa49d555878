"""What the analysis `sensitivity` writes for each net: `runs/<key>.sensitivity.csv`."""

from netclaims.tables.columns import Column, Table, named
from netclaims.tables.training import BY, NET

SENSITIVITY = Table(
    "sensitivity",
    (
        Column("series", offered=False),
        *NET,
        *named("loss_by_input", "output_by_input", "loss_by_parameters"),
        *named("largest_eigenvalue", "trace", "sharpness"),
    ),
    by=BY,
)
