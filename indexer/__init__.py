"""Movies, ratings and vectors: the store ports, their two stores, the dataset readers and bulk ingestion."""
