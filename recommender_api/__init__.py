"""Models, training, evaluation, model files, and the service that ranks with them. Knows no store."""
