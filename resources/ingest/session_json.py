"""Responses as exam sessions: their answers as the JSON that the platform keeps, built whole columns at a time."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.ingest.checking.checked import Column
from resources.model import Ints

INGESTED_BY = "seedtest"  # stands in result_json: what lacks it is the platform's own


def session_batches(responses: pa.Table, about: int) -> Iterator[pa.Table]:
    """Sessions of about so many responses at a time, in the order of `responses` (a ResponseFile's).

    Columns: user_id, session_id, result_json (text), created_at and updated_at (of the first and the last
    answer, UTC without a zone), n_responses.
    """
    responses = responses.combine_chunks()
    bounds = _session_bounds(responses)
    start = 0
    while start < len(bounds) - 1:
        stop = max(start + 1, int(np.searchsorted(bounds, bounds[start] + about, side="right")) - 1)
        yield _sessions(responses, bounds[start : stop + 1])
        start = stop


def _session_bounds(responses: pa.Table) -> Ints:
    """The row where each session begins, and the end."""
    changes = [
        np.diff(responses[name].combine_chunks().dictionary_encode().indices.to_numpy(), prepend=-1) != 0
        for name in ("user_id", "session_id")
    ]
    return np.append(np.flatnonzero(changes[0] | changes[1]), responses.num_rows)


def _sessions(responses: pa.Table, bounds: Ints) -> pa.Table:
    rows = responses.slice(bounds[0], bounds[-1] - bounds[0])
    column = {name: rows[name].combine_chunks() for name in rows.column_names}
    answered_at = column["answered_at"].cast(pa.timestamp("us"))
    starts, ends = bounds[:-1] - bounds[0], bounds[1:] - bounds[0]
    answers = pa.ListArray.from_arrays(pa.array(bounds - bounds[0], pa.int32()), _answers(column, answered_at))
    questions: Any = pc.binary_join(answers, ",")  # pyarrow's stubs know no lists of texts
    return pa.table(
        {
            "user_id": column["user_id"].take(pa.array(starts)),
            "session_id": column["session_id"].take(pa.array(starts)),
            "result_json": _joined(f'{{"ingested_by":"{INGESTED_BY}","questions":[', questions, "]}"),
            "created_at": answered_at.take(pa.array(starts)),
            "updated_at": answered_at.take(pa.array(ends - 1)),
            "n_responses": pa.array(ends - starts),
        }
    )


def _answers(column: dict[str, Column], answered_at: Column) -> Column:
    """One JSON object per response; what is not known is left out, but an item that was not answered is null.

    Seconds have three decimals and instants six: jsonb keeps both exactly.
    """
    correct: Column = pc.if_else(column["correct"], _scalar("true"), _scalar("false"))
    instant: Any = pc.binary_replace_slice(answered_at.cast(pa.string()), 10, 11, "T")
    seconds = pc.multiply(column["response_time_ms"].cast(pa.decimal128(10)), pa.scalar(Decimal("0.001")))
    return _joined(
        '{"question_id":', _quoted(column["item_id"]),
        ',"is_correct":', correct.fill_null("null"),
        ',"answered_at":"', instant, 'Z"',
        _field("time_spent_sec", seconds.cast(pa.string())),
        _field("topic", _quoted(column["topic"])),
        _field("attempt_no", column["attempt_no"].cast(pa.string())),
        "}",
    )  # fmt: skip


def _field(name: str, values: Column) -> Column:
    return _joined(f',"{name}":', values).fill_null("")


def _quoted(texts: Column) -> Column:
    """JSON strings; each distinct text is quoted once."""
    encoded = texts.dictionary_encode()
    return pa.array([json.dumps(text) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _joined(*parts: Column | str) -> Column:
    """Texts side by side, row by row; null where one of them is."""
    arguments: list[Any] = [_scalar(part) if isinstance(part, str) else part for part in (*parts, "")]
    joined: Column = pc.binary_join_element_wise(*arguments)
    return joined


def _scalar(text: str) -> pa.StringScalar:
    return pa.scalar(text, pa.string())
