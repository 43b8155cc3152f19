"""Asset `item_parameters`: a new calibration of all items, in force at once only where no bank is yet."""

import datetime as dt
import hashlib

import dagster as dg
import numpy as np
import pandas as pd
import sqlalchemy as sa

from resources.database import attempts, banks
from resources.database.engine import transaction
from resources.errors import FixTheData, NoItemBank, NotConverged
from resources.irt.answers import Answers
from resources.irt.calibration import Calibration, calibrate
from resources.model import ItemBank, Model
from resources.progress import Progress


class CalibrationConfig(dg.Config):
    """`adopt`: put the new bank in force whatever is in force now."""

    adopt: bool = False


def build(model: Model) -> dg.AssetsDefinition:
    @dg.asset(
        pool="database",
        kinds={"postgres"},
        description="Discrimination, difficulty and guessing of every item, estimated from all first attempts (MML-EM).",
    )
    def item_parameters(
        context: dg.AssetExecutionContext,
        config: CalibrationConfig,
        engine: dg.ResourceParam[sa.Engine],
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        with transaction(engine) as connection:
            answers = attempts.first_attempts(connection)
        return dg.MaterializeResult(metadata={})

    return item_parameters
