"""What quantities and their values are called in figures."""

from __future__ import annotations

from netclaims.data.functions import formula
from netclaims.digits import percent
from netclaims.present.wording import typeset

LOSSES = {"mse": "mean squared error", "cross_entropy": "cross-entropy (nats)"}
LABELS = {
    "epoch": "epoch",
    "step": "optimiser step",
    "alpha": "position α on the line",
    "pair": "pair of nets",
    "parameters": "number of parameters",
    "batch_size": "batch size",
    "learning_rate": "learning rate",
    "shuffle_labels": "share of shuffled labels",
    "accuracy": "accuracy",
    "loss_gap": "test − training loss",
    "accuracy_gap": "training − test accuracy",
    "loss_barrier": "barrier of the loss",
    "accuracy_barrier": "barrier of the accuracy",
    "mean_square": "mean squared error",
    "gradient_norm": "gradient norm ‖∇L‖",
    "trained_gradient_norm": "gradient norm at the end of training",
    "gradient_curvature": "‖H g‖ / ‖g‖",
    "switching_distance": "distance of the nearest kink",
    "higher_neighbours": "neighbours with a higher loss",
    "minimal_ratio": "minimal ratio: share of positive eigenvalues",
    "minimal_ratio_nonzero": "minimal ratio without zero eigenvalues",
    "zero": "eigenvalues counted as zero",
    "null_expected": "rescaling directions expected",
    "largest_eigenvalue": "largest Hessian eigenvalue λ₁",
    "trace": "trace of the Hessian",
    "sharpness": "sharpness (%)",
    "density": "spectral density",
    "loss_by_input": "loss by input ‖∂ℓ/∂x‖",
    "output_by_input": "output by input ‖∂p/∂x‖",
    "loss_by_parameters": "loss by weights ‖∂L/∂θ‖",
    "share": "share of the variance",
    "x": "x",
    "prediction": "y",
    "pc1": "first component",
    "pc2": "second component",
}
PLANE = ("first direction", "second direction")
VALUES = {
    "split": {"train": "training", "test": "test"},
    "equal": {"epochs": "equal epochs", "steps": "equal steps"},
}


def label(column: str, loss: str) -> str:
    """Return the name of a quantity with its unit, as an axis shows it.

    `loss` is the experiment's: the unit of what a column of that name holds.
    """
    return LOSSES[loss] if column == "loss" else LABELS.get(column, column.replace("_", " "))


def value(column: str, content: object) -> str:
    """Return what a column holds, as a legend or the title of a panel says it."""
    if column == "function":
        return typeset(formula(str(content)))
    if column == "shuffle_labels":
        return f"{percent(float(content))} % shuffled"
    return VALUES.get(column, {}).get(content, str(content))
