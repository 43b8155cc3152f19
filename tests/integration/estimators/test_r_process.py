"""The service as a process: started, stopped, frozen, killed in the middle of a batch, and started anew."""

import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from resources.errors import EstimatorUnavailable, OperatorRequired
from resources.estimators.in_process import InProcessEstimator
from resources.estimators.r_service import process
from resources.estimators.r_service.client import RServiceEstimator
from resources.estimators.r_service.process import running
from resources.estimators.r_service.transport import Timeouts
from tests.integration.conftest import TOKEN
from tests.integration.estimators.exams import exam
from tests.living import lives
from tests.waiting import PATIENCE_S, until

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("needs_r")


def pid_of(url: str) -> int:
    return int(httpx.get(f"{url}/healthz").json()["pid"])


def environment(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # ended in between, or another user's
        return ""


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_check_tells_the_versions_and_that_it_estimates(r_service_url: str) -> None:
    line = RServiceEstimator(r_service_url, TOKEN).check()
    assert line.startswith(f"r-irt-plumber at {r_service_url}: R 4")
    assert "one estimate takes" in line


def test_frozen_past_the_read_time_out_it_answers_once_it_thaws(r_service_url: str) -> None:
    responses, bank = exam()
    estimator = RServiceEstimator(r_service_url, TOKEN, timeouts=Timeouts(read_s=0.3))
    expected = estimator.estimate(responses, bank)
    pid = pid_of(r_service_url)
    thawed = threading.Event()

    def thaw() -> None:
        thawed.set()
        os.kill(pid, signal.SIGCONT)

    os.kill(pid, signal.SIGSTOP)
    later = threading.Timer(1.0, thaw)
    later.start()
    found = estimator.estimate(responses, bank)
    assert thawed.is_set()
    later.join()
    assert_array_equal(found.theta, expected.theta)


def test_frozen_for_good_it_is_unavailable_in_bounded_time(r_service_url: str) -> None:
    pid = pid_of(r_service_url)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(EstimatorUnavailable, match="silence"):
            RServiceEstimator(r_service_url, TOKEN, timeouts=Timeouts(read_s=0.3, total_s=1)).estimate(*exam())
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's CPU time from /proc")
def test_killed_in_mid_batch_and_slowly_started_anew_the_estimate_is_whole(tmp_path: Path) -> None:
    responses, bank = exam(users=20_000, items=200, each=30)
    before, after = tmp_path / "before.log", tmp_path / "after.log"
    with ThreadPoolExecutor(1) as background, running(log=before) as url:
        estimator = RServiceEstimator(url, responses_at_once=1_000_000)
        pid, port = pid_of(url), int(url.rsplit(":", 1)[1])
        idle_s = cpu_s(pid)
        found = background.submit(estimator.estimate, responses, bank, request_id="the-batch")
        until(lambda: cpu_s(pid) > idle_s + 0.1)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not lives(pid))
        with running(port, log=after):
            thetas = found.result(PATIENCE_S)
            assert "the-batch" not in before.read_text()
            assert '"request_id":"the-batch","method":"POST"' in after.read_text()
    whole = InProcessEstimator().estimate(responses, bank)
    assert thetas.user_ids == whole.user_ids
    assert_allclose(thetas.theta, whole.theta, rtol=0, atol=1e-9)  # as far as the engines agree


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_the_service_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c",
         "import time\nfrom resources.estimators.r_service.process import running\n"
         "with running() as url:\n print(url, flush=True)\n time.sleep(600)"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert parent.stdout
    with parent.stdout:
        pid = pid_of(parent.stdout.readline().strip())
        parent.kill()
        parent.wait()
        until(lambda: not lives(pid))


def test_serve_becomes_the_service_and_ends_on_sigterm() -> None:
    serve = subprocess.Popen(
        [sys.executable, "-c", "from resources.estimators.r_service.process import serve; serve(0, 'secret')"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert serve.stderr
    with serve.stderr:
        started = serve.stderr.readline()
        serve.terminate()
        assert '"event":"listening","host":"127.0.0.1"' in started
        assert '"token":true' in started
        assert serve.wait(PATIENCE_S) == -signal.SIGTERM


def test_a_taken_port_is_for_a_person(r_service_url: str) -> None:
    port = int(r_service_url.rsplit(":", 1)[1])
    with pytest.raises(OperatorRequired, match=f"Port {port} .*Address already in use"), running(port):
        pass


def test_a_service_that_ends_as_it_starts_is_for_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, log = tmp_path / "run.R", tmp_path / "service.log"
    script.write_text("stop('the reason')")
    monkeypatch.setattr(process, "RUN_R", script)
    with pytest.raises(OperatorRequired, match=r"exit code 1 as it started: see .*service\.log"), running(log=log):
        pass
    assert "the reason" in log.read_text()


def test_another_service_at_the_port_is_not_taken_for_ours(
    r_service_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "run.R"
    script.write_text("Sys.sleep(60)")
    monkeypatch.setattr(process, "RUN_R", script)
    monkeypatch.setattr(process, "_require_free", lambda host, port: int(r_service_url.rsplit(":", 1)[1]))
    with pytest.raises(EstimatorUnavailable, match="did not answer"), running(start_timeout_s=1):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
def test_too_slow_a_start_is_unavailable_and_leaves_no_process() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(EstimatorUnavailable, match=r"within 0\.1 s"), running(port, start_timeout_s=0.1):
        pass
    assert not [path for path in Path("/proc").glob("[0-9]*/environ") if f"R_IRT_PORT={port}\0" in environment(path)]


def test_without_r_the_message_is_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(OperatorRequired, match=r"R is not installed.*apt-get install -y r-base-core"):
        process.find_rscript()


def test_a_missing_r_package_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R_LIBS_SITE", "/nonexistent")  # where Debian's r-cran-* packages are looked for
    monkeypatch.setenv("R_LIBS_USER", "/nonexistent")
    with pytest.raises(OperatorRequired, match=r"R lacks .*plumber.*r-cran-plumber"):
        process.find_rscript()
