"""Write the report page: `python stages/report.py`."""

from netclaims.command import command
from netclaims.present.report_page import PICTURE, REPORT_PAGE, Page, report_page
from netclaims.recipes.read import read_recipe


@command
def main() -> None:
    """Write `report/index.html`, one file with everything in it, and `docs/findings.svg`."""
    page, picture = report_page(read_recipe("report", None, Page).settings)
    for path, text in ((REPORT_PAGE, page), (PICTURE, picture)):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
