"""A circuit breaker: after repeated failure nobody waits for a service that is down, and one caller at a time tries it.

Stays out: what counts as a failure, and what to tell the caller.
"""

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Open after `open_after` failures in a row; then one trial is let through every `cool_down_s`. Thread-safe."""

    def __init__(
        self, open_after: int = 3, cool_down_s: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_after = open_after
        self._cool_down_s = cool_down_s
        self._clock = clock
        self._failures = 0
        self._next_trial_at = 0.0  # on the clock
        self._lock = threading.Lock()

    def wait_s(self) -> float:
        """0 to go ahead and report `succeeded` or `failed`, else the seconds until the next trial.

        A trial that never reports costs one more `cool_down_s`, not the circuit.
        """
        with self._lock:
            if self._failures < self._open_after:
                return 0.0
            now = self._clock()
            if now < self._next_trial_at:
                return self._next_trial_at - now
            self._next_trial_at = now + self._cool_down_s  # this caller is the trial; the others go on waiting
            return 0.0

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._next_trial_at = self._clock() + self._cool_down_s
