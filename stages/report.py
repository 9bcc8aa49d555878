"""Write the report page: `python stages/report.py`."""

from netclaims.claims.ledger import load_all
from netclaims.command import command
from netclaims.present.report_page import REPORT_PAGE, report_page
from netclaims.settings.params import load_params


@command
def main() -> None:
    """Write `report/index.html`, one file with everything in it."""
    REPORT_PAGE.parent.mkdir(exist_ok=True)
    claims = {key: claim for key, (claim, _) in load_all().items()}
    REPORT_PAGE.write_text(report_page(claims, load_params()), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
