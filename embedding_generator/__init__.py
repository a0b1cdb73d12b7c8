"""Movie text to vectors: encoders, a micro-batch queue, a cache, and the service around them. Knows no store."""
