"""Logs as one JSON object a line, on standard error."""

import datetime as dt
import json
import logging
import sys

# What logging itself puts on a record; the rest was given by `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName", "color_message"}
_encode = json.JSONEncoder(default=str).encode


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: vars(record)[name] for name in vars(record).keys() - _OWN},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)


def log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    # No line of ours tells thread, process or place in the code, and a line for each request is a good part of what a
    # request costs. Source: logging's documentation, "Optimization".
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request to the R service
