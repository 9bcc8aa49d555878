"""Write the report page: `python stages/report.py`."""

from netclaims.command import command
from netclaims.present.report_page import REPORT_PAGE, Page, report_page
from netclaims.recipes.read import read_recipe


@command
def main() -> None:
    """Write `report/index.html`, one file with everything in it."""
    text = report_page(read_recipe("report", None, Page).settings)
    REPORT_PAGE.parent.mkdir(exist_ok=True)
    REPORT_PAGE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
