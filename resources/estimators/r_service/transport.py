"""HTTP to r-irt-plumber: time limits, retries, the circuit, and which error each outcome is.

Everything sent is pure computation, so sending it twice does no harm. Stays out: what the bodies mean.
"""

import logging
import time
from dataclasses import dataclass

import httpx
import tenacity
from pydantic import BaseModel, ValidationError

from resources.errors import EstimatorUnavailable, InvalidInput, OperatorRequired
from resources.estimators.r_service.circuit_breaker import CircuitBreaker

_log = logging.getLogger(__name__)

# Gone for the moment, as when the service restarts behind its address. 500 is no such thing: it would fail again.
TRANSIENT_STATUS = frozenset({502, 503, 504})
# 400 bad input, 411 no length, 413 too large, 422 cannot be computed from this.
DATA_STATUS = frozenset({400, 411, 413, 422})


@dataclass(frozen=True)
class Timeouts:
    """In seconds: to connect, to wait for the next byte, and for one request with all its retries and pauses."""

    connect_s: float = 3.0
    read_s: float = 30.0
    total_s: float = 60.0


class _Failed(Exception):  # noqa: N818 - an outcome inside this module
    """One attempt that brought no answer; `transient` if another may."""

    def __init__(self, reason: str, *, transient: bool) -> None:
        super().__init__(reason)
        self.transient = transient


class _Refusal(BaseModel):
    message: str
    field: str | None = None


class Transport:
    """Requests to one r-irt-plumber, each over a connection of its own. Thread-safe.

    Raises:
        OperatorRequired: the address is none, or the token cannot stand in a header.
    """

    def __init__(self, base_url: str, token: str | None, timeouts: Timeouts, circuit: CircuitBreaker) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise OperatorRequired(f"R_IRT_BASE_URL is {base_url!r}: it must begin with http:// or https://.")
        if token and not (token.isascii() and token.isprintable()):
            raise OperatorRequired(
                "R_IRT_INTERNAL_TOKEN holds a character that no header can have, such as a line break."
            )
        self.base_url = base_url.rstrip("/")
        self._token = token
        self._timeouts = timeouts
        self._circuit = circuit
        # The service writes an answer in several small pieces. On a connection that stays open each meets a delayed
        # ACK, 44 ms a request; with Connection: close it does not. Proxies of the environment are not for this.
        self._client = httpx.Client(
            base_url=self.base_url,
            headers={
                "Connection": "close",
                "Accept-Encoding": "identity",  # packing costs more than a loopback or a cluster's network
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    def send(self, method: str, path: str, request_id: str, body: bytes = b"") -> bytes:
        """The body of a 200.

        Raises:
            EstimatorUnavailable: no whole answer within `total_s`, a 5xx, or the circuit is open.
            InvalidInput: the service refuses what was sent; the message has its field and reason.
            OperatorRequired: it refuses the token, or whatever answers there is not r-irt-plumber.
        """
        if wait_s := self._circuit.wait_s():
            raise EstimatorUnavailable(
                f"{self} failed repeatedly, so it is left alone: next try in {wait_s:.0f} s.",
                where=self,
                remedy="Look at its log.",
            )
        try:
            status, answer = self._with_retries(method, path, request_id, body)
        except _Failed as failure:
            self._circuit.failed()
            raise EstimatorUnavailable(
                f"{self} gives no answer: {failure}.", where=self, remedy="Does it run? Look at its log."
            ) from failure
        self._circuit.succeeded()
        if status == httpx.codes.OK:
            return answer
        raise self._refused(status, path, answer)

    def _with_retries(self, method: str, path: str, request_id: str, body: bytes) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeouts.total_s
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, _Failed) and error.transient),
            stop=tenacity.stop_before_delay(self._timeouts.total_s),
            wait=tenacity.wait_exponential(0.1, max=5.0) + tenacity.wait_random(0, 0.3),
            before_sleep=lambda state: _log.warning("%s, request %s: %s", self, request_id, _described(state)),
            reraise=True,
        )
        return retrying(self._once, method, path, request_id, body, deadline)

    def _once(self, method: str, path: str, request_id: str, body: bytes, deadline: float) -> tuple[int, bytes]:
        """Status and whole body.

        Raises:
            _Failed: no answer, half an answer, or a 5xx.
        """
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise _Failed(f"no time left of {self._timeouts.total_s:g} s", transient=False)
        timeout = httpx.Timeout(min(self._timeouts.read_s, left_s), connect=min(self._timeouts.connect_s, left_s))
        chunks = []
        try:
            with self._client.stream(
                method, path, content=body, headers={"X-Request-Id": request_id}, timeout=timeout
            ) as answer:
                for chunk in answer.iter_bytes():
                    chunks.append(chunk)
                    if time.monotonic() > deadline:  # the read time-out starts anew with every byte
                        raise _Failed(f"not finished after {self._timeouts.total_s:g} s", transient=False)
        except httpx.TransportError as error:
            raise _Failed(_reason(error), transient=True) from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _Failed(
                f"status {answer.status_code} (request {request_id})", transient=answer.status_code in TRANSIENT_STATUS
            )
        return answer.status_code, b"".join(chunks)

    def _refused(self, status: int, path: str, answer: bytes) -> OperatorRequired | InvalidInput:
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            fault = "refuses the token" if self._token else "asks for a token"
            return OperatorRequired(
                f"{self} {fault}", where=self, remedy="give R_IRT_INTERNAL_TOKEN the same value here and there."
            )
        try:
            refusal = _Refusal.model_validate_json(answer)
        except ValidationError:
            refusal = None
        if refusal is None or status not in DATA_STATUS:
            return OperatorRequired(
                f"What answers at {self.base_url}{path} (status {status}) is not r-irt-plumber.", where=self.base_url
            )
        return InvalidInput(f"{self} refuses {refusal.field or 'the request'}: {refusal.message}", where=self)

    def __str__(self) -> str:
        return f"r-irt-plumber at {self.base_url}"


def _described(state: tenacity.RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome else None
    return f"{error}; attempt {state.attempt_number}, next in {state.upcoming_sleep:.1f} s"


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return {"ConnectTimeout": "no connection in time", "WriteTimeout": "it takes no data"}.get(
            type(error).__name__, "silence for longer than the read time-out"
        )
    return str(error) or type(error).__name__
