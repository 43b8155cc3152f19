"""What assets use: the domain's nouns, the database, the estimator, reports, artifacts and the warehouse."""
