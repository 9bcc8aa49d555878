"""Pages of HTML from templates; each is one file that needs nothing else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from netclaims.present.in_words import in_words

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, folder: Path = TEMPLATES, **content: object) -> str:
    """Return a page made of a template.

    Args:
        template: the name of a file in `folder`; it can extend and include those of this package.
        folder: where it lies.
        **content: what the template names; it is escaped, unless it is `Markup`.
    """
    return _environment(folder).get_template(template).render(content)


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["in_words"] = in_words
    return environment
