"""How fast r-irt-plumber is, HTTP included: python -m tests.benchmarks.bench_r_service [URL [TOKEN]]."""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np

from resources.estimators.r_service.client import RServiceEstimator
from resources.estimators.r_service.process import running
from resources.model import ItemBank, Responses


def measure(base_url: str, token: str | None = None) -> dict[str, float]:
    """Milliseconds of a batch of 50,000 responses, and single scores a second."""
    estimator = RServiceEstimator(base_url, token)
    batch = _exam(users=1_000, each=50)
    batch_ms = [_timed_s(lambda: estimator.estimate(*batch)) * 1000 for _ in range(12)]
    return {
        "50,000 responses in one batch, ms (median)": float(np.median(batch_ms)),
        "50,000 responses in one batch, ms (best)": min(batch_ms),
        "single scores a second, one caller": _singles_per_s(base_url, token, callers=1),
        "single scores a second, four callers": _singles_per_s(base_url, token, callers=4),
    }


def _exam(users: int, each: int, items: int = 500) -> tuple[Responses, ItemBank]:
    draw = np.random.default_rng(1)
    keys = tuple(f"item-{j}" for j in range(items))
    n = users * each
    responses = Responses(
        tuple(f"user-{i}" for i in range(users)), keys, np.repeat(np.arange(users), each),
        draw.integers(0, items, n), draw.integers(0, 2, n).astype(np.float64),
    )  # fmt: skip
    return responses, ItemBank(
        "b", "2PL", keys, draw.lognormal(0, 0.3, items), draw.normal(size=items), np.zeros(items)
    )


def _singles_per_s(base_url: str, token: str | None, callers: int, requests: int = 300) -> float:
    items = {str(j): {"a": 1.0 + j / 100, "b": j / 10 - 1} for j in range(20)}
    body = {"item_params": items, "responses": [{"item_id": key, "is_correct": int(key) % 2 == 0} for key in items]}
    headers = {"Connection": "close", **({"Authorization": f"Bearer {token}"} if token else {})}
    with httpx.Client(base_url=base_url, headers=headers) as client, ThreadPoolExecutor(callers) as pool:

        def score(_: int) -> None:
            client.post("/irt/score", json=body).raise_for_status()

        list(pool.map(score, range(20)))
        return requests / _timed_s(lambda: list(pool.map(score, range(requests))))


def _timed_s(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    if len(sys.argv) > 1:
        figures = measure(*sys.argv[1:3])
    else:
        with running(log=None) as url:
            figures = measure(url)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for what, figure in figures.items():
        print(f"{figure:12,.1f}  {what}")
