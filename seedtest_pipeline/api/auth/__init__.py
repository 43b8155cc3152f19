"""Who calls, and what they may do: tokens, keys, scopes. Must not hold: routes."""
