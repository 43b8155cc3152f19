"""The README's pictures: a report of the synthetic exam on a desktop, and on a phone in the dark, and a class report.

Run by `make pictures`.
"""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from seedtest_pipeline.settings import Settings

LEARNER = "synthetic-0006"
CLASS = 0
HERE = Path(__file__).parent


def main() -> None:
    artifacts = Settings.load().home / "artifacts"
    report = max(artifacts.glob(f"reports/*/{LEARNER}/weekly_report.html"))  # of the last week
    of_class = sorted(artifacts.glob(f"classes/{report.parts[-3]}/*/class_report.html"))[CLASS]
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        desktop = browser.new_page(viewport={"width": 760, "height": 1180})
        desktop.goto(report.as_uri())
        desktop.screenshot(path=HERE / "report.png")
        phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
        phone.goto(report.as_uri())
        phone.evaluate("scrollTo(0, document.querySelector('#this-week').getBoundingClientRect().top - 16)")
        phone.screenshot(path=HERE / "report-phone.png")
        teachers = browser.new_page(viewport={"width": 760, "height": 1180})
        teachers.goto(of_class.as_uri())
        teachers.screenshot(path=HERE / "class-report.png")
        browser.close()
    print(f"docs/report.png and docs/report-phone.png, from {report}; docs/class-report.png, from {of_class}")


if __name__ == "__main__":
    main()
