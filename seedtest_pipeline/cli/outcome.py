"""What a run made, as a person or a script reads it."""

from typing import TYPE_CHECKING

from seedtest_pipeline.terminal import OUT, facts

if TYPE_CHECKING:
    from seedtest_pipeline.runs import Outcome


def show(outcome: "Outcome", as_json: bool) -> None:
    """Counts and seconds per asset; pictures and links are for Dagster's UI."""
    made = {
        asset: {
            "seconds": round(outcome.seconds[asset], 1),
            **{
                name.removeprefix("dagster/"): value.value
                for name, value in values.items()
                if isinstance(value.value, int | float | str)
            },
        }
        for asset, values in outcome.metadata.items()
    }
    if as_json:
        OUT.print_json(data={"run_id": outcome.run_id, "assets": made})
        return
    for asset, values in made.items():
        OUT.print(f"[bold]{asset}[/]")
        facts({
            f"  {name.replace('_', ' ')}": value
            for name, value in values.items()
            if "\n" not in str(value) and len(str(value)) < 100
        })  # fmt: skip
