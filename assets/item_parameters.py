"""Asset `item_parameters`: a new calibration of all items."""

import dagster as dg


def build(model: str) -> dg.AssetsDefinition:
    @dg.asset
    def item_parameters() -> None: ...

    return item_parameters
