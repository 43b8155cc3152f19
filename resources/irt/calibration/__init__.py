"""Item parameters from answers: marginal maximum likelihood, its errors, screening, and linking to another scale."""
