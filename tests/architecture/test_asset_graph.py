"""The asset graph as it stands: keys, dependencies, partitions and checks. Whoever changes it on purpose puts what the
test prints into asset_graph.txt, so that a review sees it."""

from pathlib import Path

from seedtest_pipeline import definitions
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.wiring import Parts

STORED = Path(__file__).with_name("asset_graph.txt")


def drawn() -> str:
    """A block per asset, in the order of keys."""
    made = definitions.build(Parts(Settings(user_partitions=0)), lambda task, done, total: None)
    graph = made.resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        checks = sorted(graph.get_check_keys_for_assets({key}), key=lambda check: check.name)
        lines += [
            key.to_user_string(),
            f"  after: {', '.join(sorted(parent.to_user_string() for parent in node.parent_keys)) or '-'}",
            f"  partitions: {_partitions(node.partitions_def)}",
            *(f"  check: {check.name}{_blocking(graph.get_check_spec(check))}" for check in checks),
        ]
    for kind, found in (("schedule", made.schedules), ("sensor", made.sensors), ("job", made.jobs)):
        lines += sorted(f"{kind}: {one.name}" for one in found or ())
    return "\n".join([*lines, ""])


def _partitions(partitions: object) -> str:
    dimensions = getattr(partitions, "partitions_defs", None)
    if dimensions:
        return " x ".join(f"{of.name} ({type(of.partitions_def).__name__})" for of in dimensions)
    return type(partitions).__name__ if partitions else "-"


def _blocking(check: object) -> str:
    return " (blocking)" if getattr(check, "blocking", False) else ""


def test_the_asset_graph_is_the_one_that_was_reviewed():
    found = drawn()
    assert found == STORED.read_text("utf-8"), f"asset_graph.txt should be:\n{found}"
