"""The sequence model's engine: a transformer over films, its objectives and losses, and the loop that trains it."""
