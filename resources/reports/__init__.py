"""Reports as documents: compiled once, filled for each learner. Must not hold: where files and rows go."""
