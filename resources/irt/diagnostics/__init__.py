"""Whether a calibration holds: items, pairs of items, dimensions, groups of learners; on any data, however sparse."""
