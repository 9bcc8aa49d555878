"""The page that `dvc plots` fills: plots.html beside this module, with Vega's JavaScript put into it.

So the page needs no network, nor any file beside it but the figures. Vega comes out of an installed package; the page
that holds it is made by the set-up and not kept in Git.
"""

import sys
from pathlib import Path

import vl_convert

SOURCE = Path(__file__).with_name("plots.html")
SLOT = "/* Vega */"


def vega() -> str:
    """Return Vega's JavaScript, fit for a `<script>`: `</script`, wherever it stood in it, would end that element."""
    return vl_convert.javascript_bundle().replace("</script", r"<\/script")


def page() -> str:
    """Return the template of the page, of which DVC replaces the one placeholder."""
    return SOURCE.read_text(encoding="utf-8").replace(SLOT, vega())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
