"""Item response theory: scoring, calibration and the estimators that offer them."""
