"""Data sets in files: where they are found, which format they are in, what is in them.

`find_dataset` looks for one (and downloads it if need be), `open_dataset` recognises and reads it; `indexer.load`
puts it into a store, `indexer.export` into an export folder. Formats and columns: docs/datasets.md.
"""

from indexer.datasets.dataset import Dataset, open_dataset
from indexer.datasets.errors import DatasetError
from indexer.datasets.find import Found, find_dataset
from indexer.datasets.report import LoadReport
from indexer.datasets.settings import DatasetSettings

__all__ = ["Dataset", "DatasetError", "DatasetSettings", "Found", "LoadReport", "find_dataset", "open_dataset"]
