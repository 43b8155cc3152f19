"""Item response theory, pure arithmetic on numpy and scipy. Must not hold: files, databases, services, frames."""
