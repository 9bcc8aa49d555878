"""The questions of the assignment, chapter by chapter, and the narrower ones that claims of the reports answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """A question of the assignment: its text, and the texts of those within it, by their short names."""

    text: str
    within: Mapping[str, str] = field(default_factory=dict)


# The report page has them in this order.
CHAPTERS: dict[str, dict[str, Question]] = {
    "Deep or shallow": {
        "simulate": Question(
            "Do deep and shallow nets of equal size fit a function equally well?",
            {
                "depth": "Do deeper nets fit a function better than shallow ones of equal size?",
                "convergence": "How fast do nets that fit a function converge?",
                "unseen-points": "Do nets that fit a function get unseen points right?",
                "failing-points": "Where do nets that fit a function fail?",
            },
        ),
        "actual-task": Question(
            "How do CNNs learn?",
            {
                "cnn-size": "Do CNNs of different sizes learn equally well?",
                "progress": "Do loss and accuracy improve during training?",
            },
        ),
    },
    "Optimisation": {
        "trajectory": Question("Where do eight runs go in weight space?"),
        "gradient-norm": Question("How does the gradient norm go with the loss?"),
        "minimal-ratio": Question(
            "Which way does the loss curve where the gradient vanishes?",
            {
                "vanishing-gradient": "What happens where the gradient vanishes?",
                "minimal-ratio-and-loss": "How does the minimal ratio go with the loss?",
            },
        ),
    },
    "Generalisation": {
        "random-labels": Question(
            "Can a net fit shuffled labels?",
            {"shuffled-test-loss": "What becomes of the test loss with shuffled labels?"},
        ),
        "capacity": Question("What do more parameters bring?", {"overfitting": "Do large nets overfit?"}),
        "interpolation": Question(
            "What lies between nets of two batch sizes, or of two learning rates?",
            {"between-nets": "What lies between two trained nets?"},
        ),
        "sensitivity": Question(
            "How sensitive are nets, by batch size or learning rate?",
            {
                "sensitivity-by-batch-size": "How does sensitivity change with batch size?",
                "sensitivity-by-learning-rate": "How does sensitivity change with learning rate?",
                "performance-by-batch-size": "How does performance change with batch size?",
                "performance-by-learning-rate": "How does performance change with learning rate?",
                "sharpness": "Do large batches end in sharper minima?",
            },
        ),
    },
}
# These are asked of experiments on any of them.
ACROSS = {
    "parameter-counts": "Are the stated numbers of parameters right?",
    "agreement": "Does the report agree with itself?",
    "generalisation-gap": "Is the training set fitted better than the test set?",
}

_QUESTIONS = {name: question for questions in CHAPTERS.values() for name, question in questions.items()}
# By name: the questions of the assignment, one of which figures help to answer, and all of those that a claim can.
QUESTIONS = {name: question.text for name, question in _QUESTIONS.items()}
ANSWERED = (
    QUESTIONS | {name: text for question in _QUESTIONS.values() for name, text in question.within.items()} | ACROSS
)


def of_assignment(name: str) -> str:
    """Return the name of a question of the assignment as it is.

    Raises:
        ValueError: there is no such question.
    """
    return _known(name, QUESTIONS)


def of_claims(name: str) -> str:
    """Return the name of a question that claims answer as it is.

    Raises:
        ValueError: there is no such question.
    """
    return _known(name, ANSWERED)


def _known(name: str, questions: Mapping[str, str]) -> str:
    if name not in questions:
        raise ValueError(f"one of {', '.join(questions)}")
    return name
