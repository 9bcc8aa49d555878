"""What the analysis `pca` writes for each net: `runs/<key>.pca.csv`."""

from netclaims.tables.columns import Table, named

PCA = Table(
    "pca",
    named("scope", "replica", "epoch", "from_mean", "per_weight", "step", "in_plane", "nearest"),
    by=("scope", "replica"),
    coordinate="epoch",
)
