"""Check params.yaml and reports/*.yaml: `python stages/check.py`."""

from netclaims.check import check_settings
from netclaims.learn.command import command
from netclaims.learn.paths import DATA


@command
def main() -> None:
    """Check every setting; what comes after waits for the file that this leaves."""
    check_settings()
    DATA.mkdir(exist_ok=True)
    (DATA / ".checked").write_text("Every setting is valid.\n", encoding="utf-8")


if __name__ == "__main__":
    main()
