"""POST /irt/calibrate over HTTP: in a process of its own, with a time limit, and nothing left of it at the end.

A package of the name stands in mirt's place (`mirt_stub`), since mirt is on CRAN only: it notes its call and does as
the test says. Where a real mirt is installed, the last test holds its numbers to this project's own calibration.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.errors import OperatorRequired
from resources.estimators.r_service.process import RUN_R, find_rscript
from resources.irt.calibration.calibrate import calibrate
from tests.integration.conftest import TOKEN
from tests.integration.estimators.stubbed_mirt import (
    N_ITEMS,
    N_USERS,
    Stubbed,
    answers,
    body,
    exam,
    post,
    stubbed,
)
from tests.living import lives
from tests.waiting import PATIENCE_S, until

SCORE = {"item_params": {"1": {"a": 1, "b": 0}}, "responses": [{"item_id": "1", "is_correct": True}]}


@pytest.fixture(scope="module")
def library(needs_r: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of R packages that holds the stub."""
    library = tmp_path_factory.mktemp("library")
    stub = Path(__file__).with_name("mirt_stub")
    r = Path(find_rscript()).with_name("R")
    command = [str(r), "CMD", "INSTALL", "--no-docs", "--no-test-load", f"--library={library}", str(stub)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return library


@pytest.fixture(scope="module")
def one_service(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stubbed]:
    with stubbed(library, tmp_path_factory.mktemp("stub")) as service:
        yield service


@pytest.fixture
def service(one_service: Stubbed) -> Stubbed:
    """The module's one service, as if new."""
    for name in ("mirt.R", "called.json", "go"):
        (one_service.folder / name).unlink(missing_ok=True)
    return one_service


@pytest.mark.parametrize(
    ("model", "specification", "reach"),
    [("2PL", 1, 6), ("Rasch", 1, 12), ("3PL", "F = 1-6\nPRIOR = (1-6, g, norm, -1.1, 0.5)", 6)],
)
def test_mirt_is_asked_for_the_maximum_with_a_prior_on_guessing(
    service: Stubbed, model: str, specification: Any, reach: int
) -> None:
    assert service.calibrate(model).status_code == 200
    called = service.called()
    assert called.pop("pid") != httpx.get(f"{service.url}/healthz").json()["pid"]
    assert called == {
        "model": specification, "itemtype": model, "TOL": 1e-6, "SE": True, "SE.type": "Oakes",
        "quadpts": 10 * reach + 1, "verbose": False, "technical": {"NCYCLES": 2000, "theta_lim": [-reach, reach]},
        "names": [f"item{j}" for j in range(1, 7)], "rows": N_USERS, "missing": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "c", "se", "sd"),
    [
        ("Rasch", 0, {"a": None, "b": 0.2, "c": None}, 1.5),
        ("2PL", 0, {"a": 0.1, "b": 0.2, "c": None}, 1),
        ("3PL", 0.2, {"a": 0.1, "b": 0.2, "c": 0.3}, 1),
    ],
)
def test_the_answer_has_parameters_standard_errors_and_how_the_fit_ended(
    service: Stubbed, model: str, c: float, se: dict[str, float | None], sd: float
) -> None:
    answer = service.calibrate(model).json()
    share = answers().correct.reshape(N_USERS, N_ITEMS).mean(axis=0)
    for j, (item, found) in enumerate(answer.pop("item_params").items()):
        assert item == f"i{j}"
        assert found.pop("b") == pytest.approx(-np.log(share[j] / (1 - share[j])))
        assert found == {"a": 1, "c": c, "se": se, "n_answers": N_USERS}
    assert answer == {
        "status": "ok", "model": model, "n_users": N_USERS, "n_responses": N_USERS * N_ITEMS, "converged": True,
        "cycles": 7, "log_likelihood": -100.5, "group": {"mean": 0, "sd": sd}, "left_out": [], "warnings": [],
    }  # fmt: skip


def test_without_an_inverse_of_the_information_the_standard_errors_are_null_and_mirt_says_why(service: Stubbed) -> None:
    service.mirt_does("fitted$se <- NULL; warning('Could not invert\\n  information matrix')")
    answer = service.calibrate().json()
    assert answer["item_params"]["i0"]["se"] == {"a": None, "b": None, "c": None}
    assert answer["warnings"] == ["Could not invert information matrix"]


@pytest.mark.parametrize(
    ("mirt_does", "code", "sentence"),
    [
        ("stop('Algorithm diverged')", "not_calibrated", "mirt stopped: Algorithm diverged"),
        ("warning('EM cycles terminated'); fitted$converged <- FALSE", "not_converged",
         "did not converge in 7 cycles (mirt: EM cycles terminated)"),
        ("fitted$logLik <- NaN", "not_converged", "did not converge in 7 cycles."),
        ("fitted$a[] <- 0.01", "not_calibrated", "all 6 came out useless, such as i0: discrimination 0.01"),
    ],
)  # fmt: skip
def test_a_fit_that_fails_is_422_in_mirts_own_words(service: Stubbed, mirt_does: str, code: str, sentence: str) -> None:
    service.mirt_does(mirt_does)
    answer = service.calibrate()
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert sentence in answer.json()["message"]


def test_learners_who_share_no_item_are_422_and_mirt_is_not_asked(service: Stubbed) -> None:
    answer = service.calibrate(rows=exam() + exam().replace("u", "v").replace("i", "j"))
    assert answer.status_code == 422
    assert answer.json()["code"] == "disconnected"
    assert "apart into 2 groups" in answer.json()["message"]
    assert "i0, j0" in answer.json()["message"]
    assert not (service.folder / "called.json").exists()


@pytest.mark.parametrize(
    ("mirt_does", "reason"), [("fitted$a[] <- 'x'", "values must be type"), ("quit(status = 3)", "ended with code 3")]
)
def test_a_defect_is_500_and_its_reason_is_in_the_log(service: Stubbed, mirt_does: str, reason: str) -> None:
    service.mirt_does(mirt_does)
    answer = post(service.url, body("2PL", exam()), **{"X-Request-Id": f"a-defect-{len(reason)}"})
    assert answer.status_code == 500
    assert reason not in answer.text
    [line] = [line for line in service.log.read_text().splitlines() if f"a-defect-{len(reason)}" in line]
    assert reason in json.loads(line)["error"]


def test_scoring_and_health_are_answered_while_a_calibration_runs_and_a_second_is_refused(service: Stubbed) -> None:
    service.mirt_does(f"while (!file.exists('{service.folder / 'go'}')) Sys.sleep(0.05)")
    with ThreadPoolExecutor(1) as background:
        first = background.submit(service.calibrate)
        pid = service.child()
        try:
            assert httpx.get(f"{service.url}/healthz").json()["status"] == "ok"
            assert httpx.post(f"{service.url}/irt/score", json=SCORE).json()["n_items"] == 1
            second = service.calibrate()
            assert lives(pid)
            assert not first.done()
        finally:
            (service.folder / "go").touch()
        assert first.result(PATIENCE_S).status_code == 200
    assert second.status_code == 429
    assert second.json()["code"] == "busy"
    assert service.calibrate().status_code == 200
    assert service.left_behind() == []


def test_a_calibration_that_is_killed_is_503_and_the_next_one_works(service: Stubbed) -> None:
    service.mirt_does("Sys.sleep(600)")
    with ThreadPoolExecutor(1) as background:
        killed = background.submit(service.calibrate)
        os.kill(service.child(), signal.SIGKILL)
        answer = killed.result(PATIENCE_S)
    assert answer.status_code == 503
    assert "was killed (signal 9)" in answer.json()["message"]
    service.mirt_does("")
    assert service.calibrate().status_code == 200
    assert service.left_behind() == []


def test_over_the_time_limit_it_is_422_and_killed_and_the_next_one_works(library: Path, tmp_path: Path) -> None:
    with stubbed(library, tmp_path, R_IRT_CALIBRATE_SECS="5") as service:
        service.mirt_does("Sys.sleep(600)")
        answer = service.calibrate()
        assert answer.status_code == 422
        assert answer.json()["code"] == "over_time"
        assert "after 5 s (R_IRT_CALIBRATE_SECS)" in answer.json()["message"]
        assert not lives(service.child())
        assert service.left_behind() == []
        service.mirt_does("")
        assert service.calibrate().status_code == 200


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_when_the_service_ends_its_calibration_ends_and_no_answers_stay_on_the_disk(
    library: Path, tmp_path: Path, end: signal.Signals
) -> None:
    with stubbed(library, tmp_path) as service, ThreadPoolExecutor(1) as background:
        service.mirt_does("Sys.sleep(600)")
        cut_off = background.submit(service.calibrate)
        child = service.child()
        assert service.left_behind() != []
        os.kill(int(httpx.get(f"{service.url}/healthz").json()["pid"]), end)
        until(lambda: not lives(child))
        until(lambda: service.left_behind() == [])
        assert isinstance(cut_off.exception(PATIENCE_S), httpx.TransportError)


def test_an_interrupt_of_the_terminal_leaves_no_calibration(tmp_path: Path) -> None:
    """Ctrl-C goes to the whole group; sh starts what it runs in the background deaf to it."""
    folder, job = tmp_path / "calibration", tmp_path / "job"
    folder.mkdir()
    shell = subprocess.Popen(
        ["sh", str(RUN_R.with_name("supervise.sh")), str(folder), "sh", "-c", f"echo $$ > {job}; exec sleep 600"],
        stdin=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert shell.stdin
    with shell.stdin:
        until(lambda: job.exists() and job.read_text())
        os.killpg(shell.pid, signal.SIGINT)
        until(lambda: not lives(int(job.read_text())))
    shell.wait(PATIENCE_S)
    assert not folder.exists()


def test_a_time_limit_that_is_none_stops_the_start(library: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorRequired, match="exit code 1"), stubbed(library, tmp_path, R_IRT_CALIBRATE_SECS="soon"):
        pass
    assert "R_IRT_CALIBRATE_SECS must be a number" in (tmp_path / "log").read_text()


@pytest.mark.needs_mirt
@pytest.mark.parametrize("model", ["2PL", "3PL"])
def test_a_real_mirt_finds_what_this_projects_own_calibration_finds(r_service_url: str, model: Any) -> None:
    if httpx.get(f"{r_service_url}/healthz").json()["mirt"] is None:
        pytest.skip("R lacks mirt, which is on CRAN only")
    answer = post(r_service_url, body(model, exam()), Authorization=f"Bearer {TOKEN}").json()
    own = calibrate(answers(), model, se_method="joint")
    found = answer["item_params"].values()
    assert answer["log_likelihood"] == pytest.approx(own.log_likelihood, abs=1e-3)
    for name, expected, se in (("a", own.items.a, own.se.a), ("b", own.items.b, own.se.b)):
        assert_allclose([item[name] for item in found], expected, rtol=0, atol=1e-3)
        assert_allclose([item["se"][name] for item in found], se, rtol=0.02)
