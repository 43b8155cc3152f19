"""A real browser opens reports; its only way to a network is a proxy here, which answers nothing and takes notes."""

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from resources.reports.document.checks import check_template
from resources.reports.document.fill import render
from resources.reports.document.template import Template
from tests.integration.reports.conftest import SOURCE
from tests.integration.reports.states import STATES, text
from tests.waiting import PATIENCE_S

# Asked by Chromium on its own behalf, whatever the page.
BROWSERS_OWN = {"clients2.google.com", "update.googleapis.com", "accounts.google.com", "android.clients.google.com",
                "optimizationguide-pa.googleapis.com", "content-autofill.googleapis.com", "www.google.com",
                "edgedl.me.gvt1.com", "redirector.gvt1.com"}  # fmt: skip


@dataclass
class Visit:
    dom: str
    complaints: list[str]
    hosts: set[str]


class Browser:
    def __init__(self, chromium: str, proxy: socket.socket, home: Path) -> None:
        self._chromium, self._proxy, self._home = chromium, proxy, home
        self._asked: list[bytes] = []
        threading.Thread(target=self._note, daemon=True).start()

    def _note(self) -> None:
        while True:
            try:
                connection, _ = self._proxy.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                self._asked.append(connection.recv(2000))

    def open(self, page: Path) -> Visit:
        self._asked.clear()
        port = self._proxy.getsockname()[1]
        done = subprocess.run(
            [
                self._chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
                "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
                f"--proxy-server=http://127.0.0.1:{port}", "--proxy-bypass-list=<-loopback>",
                "--enable-logging=stderr", f"--user-data-dir={self._home}", "--virtual-time-budget=1000",
                "--dump-dom", page.as_uri(),
            ],
            capture_output=True, text=True, timeout=PATIENCE_S, check=True,
        )  # fmt: skip
        asked = b"\n".join(self._asked).decode("latin-1")
        hosts = set(re.findall(r"^(?:CONNECT |[A-Z]+ https?://)([^/: ]+)", asked, re.MULTILINE))
        return Visit(done.stdout, re.findall(r"CONSOLE.*", done.stderr), hosts - BROWSERS_OWN)


@pytest.fixture(scope="module")
def browser(needs_chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        yield Browser(needs_chromium, proxy, tmp_path_factory.mktemp("profile"))


def test_a_report_asks_nobody_for_anything_even_without_its_policy(
    browser: Browser, template: Template, tmp_path: Path
) -> None:
    report = render(template, STATES["hostile names"][0]).decode()
    page = tmp_path / "report.html"
    page.write_text(report, "utf-8")
    visit = browser.open(page)
    assert visit.hosts == set()
    assert visit.complaints == []  # nor does the policy forbid anything that the report has, such as its styles
    assert visit.dom.count('class="bar"') == len(re.findall('class="bar"', report)) == 4

    page.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report), "utf-8")
    assert browser.open(page).hosts == set()


def test_the_policy_stops_what_should_ever_slip_in(browser: Browser, template: Template, tmp_path: Path) -> None:
    planted = '<img src="http://planted.example/x.png"><script>document.title = "ran"</script></body>'
    report = render(template, STATES["an ordinary week"][0]).decode().replace("</body>", planted)
    page = tmp_path / "report.html"
    page.write_text(report, "utf-8")
    visit = browser.open(page)
    assert visit.hosts == set()
    assert len(visit.complaints) == 2
    assert "<title>ran" not in visit.dom

    page.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report), "utf-8")
    open_visit = browser.open(page)  # the same without a policy: the proxy here does see what is asked
    assert open_visit.hosts == {"planted.example"}
    assert "<title>ran" in open_visit.dom


def test_placeholders_and_control_flow_survive_a_browsers_parser(
    browser: Browser, template: Template, tmp_path: Path
) -> None:
    """Quarto reads the compiled HTML into a document as a browser does, and writes that out again."""
    page = tmp_path / "template.html"
    page.write_text(template.source, "utf-8")
    parsed = browser.open(page).dom
    check_template(parsed, (SOURCE / "weekly_report.qmd").read_text("utf-8"))
    for week, _ in STATES.values():
        assert text(render(replace(template, source=parsed), week, edition="teacher")) == text(
            render(template, week, edition="teacher")
        )
