"""What every service shares: app factory, problem answers, request id, logs, metrics, keys, limits, deadlines."""
