"""Movies, ratings and vectors: the store ports, their two stores, the dataset readers and bulk ingestion."""

from indexer.open import open_stores

__all__ = ["open_stores"]
