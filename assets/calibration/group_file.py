"""Which population each learner belongs to, as a file tells."""

import csv
from collections.abc import Mapping
from pathlib import Path

from resources.errors import InvalidInput


def read_groups(path: Path) -> Mapping[str, str]:
    """Learner to group, of a CSV file with the columns user_id and group.

    Raises:
        InvalidInput: no such file, other columns, or a learner in two groups.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"user_id", "group"} <= set(rows.fieldnames or ()):
                raise InvalidInput("it needs the columns user_id and group.", where=str(path))
            groups = dict[str, str]()
            for row in rows:
                if groups.setdefault(row["user_id"], row["group"]) != row["group"]:
                    raise InvalidInput(
                        f"learner {row['user_id']} is in the groups {groups[row['user_id']]} and {row['group']}.",
                        where=f"{path}, line {rows.line_num}",
                    )
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{error}.", where=str(path)) from error
    return groups
