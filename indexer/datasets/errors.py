"""The one error of this package: a data set that cannot be found, opened or read at all.

A row that cannot be read is no error, it goes to the report.
"""

from __future__ import annotations

from service_kit.errors import InvalidRequest


class DatasetError(InvalidRequest):
    """One sentence that names the data set or file, and what to do."""

    slug, title = "invalid-dataset", "The data set cannot be read"


class NotText(DatasetError):
    """A file that is no table at all. Of no weight if the data set is complete without it."""


class Unreachable(Exception):
    """The network or the server fails, not the data: another place may do. Does not leave this package."""
