"""What an experiment is, in words: its data, networks and settings, those that its report states and those assumed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """One experiment; lists are of lines of text.

    `nets` is the experiment whose nets it looks at: itself where it is `trained`, an earlier one where it is an
    analysis alone. `title`, `data` and `networks` are those of `nets`, and so are `nets_assumed` and the `notes`: what
    the report says of the networks where something else is built. `figures` are names of files.
    """

    key: str
    nets: str
    title: str
    data: list[str]
    networks: list[str]
    notes: list[str]
    nets_assumed: list[str]
    stated: list[str]
    assumed: list[str]
    stages: list[str]
    figures: list[str]

    @property
    def trained(self) -> bool:
        """Whether it has a training of its own."""
        return self.key == self.nets
