"""Who estimates abilities: the contract, this process, and the R service. Must not hold: the arithmetic (irt)."""
