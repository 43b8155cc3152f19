"""Tables in the metadata that Dagster's UI shows."""

from collections.abc import Mapping, Sequence

import dagster as dg

NAMED = 500  # rows that a table shows; the counts beside it are always whole


def table(rows: Sequence[Mapping[str, object]]) -> dg.MetadataValue:
    """Of rows with the same names."""
    columns = list(rows[0]) if rows else ["nothing"]
    shown = [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows[:NAMED]]
    return dg.MetadataValue.table(shown, dg.TableSchema([dg.TableColumn(name) for name in columns]))


def _cell(value: object) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)
