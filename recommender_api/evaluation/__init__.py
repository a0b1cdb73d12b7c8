"""How well do rankers rank? Protocols split the data, metrics count, `evaluate` brings both together."""
