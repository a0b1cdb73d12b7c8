"""The bytes that somebody sends -> the texts in them: one file, or the files of a zip archive, in memory.

An archive that could hurt is refused by the same rules as a data set's.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from indexer.datasets.errors import DatasetError
from indexer.datasets.settings import DatasetSettings
from indexer.datasets.source import archive_problem

_SUFFIXES = (".csv", ".json")


class ImportFailed(DatasetError):
    """The file as a whole is of no use; says why and what to do."""

    slug, title = "invalid-import", "The file cannot be imported"


def texts(name: str, data: bytes, settings: DatasetSettings) -> dict[str, str]:
    """Name -> text of each file; a file that is not in an archive has the given name."""
    if not data.strip():
        raise ImportFailed("the file is empty: choose the export as you got it, a zip, csv or json file")
    if not data.startswith(b"PK\x03\x04"):
        return {name: _decode(name, data)}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            problem = archive_problem(archive.infolist(), settings)
            if problem:
                raise ImportFailed(f"the archive is refused: {problem}")
            wanted = [member for member in archive.namelist() if _is_wanted(member)]
            return {member: _decode(member, archive.read(member)) for member in wanted}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise ImportFailed(f"the zip archive is damaged ({error}): get the export again") from error


def _is_wanted(member: str) -> bool:
    parts = member.lower().split("/")
    return member.lower().endswith(_SUFFIXES) and not any(part.startswith((".", "__macosx")) for part in parts)


def _decode(name: str, data: bytes) -> str:
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        if b"\0" in data:
            raise ImportFailed(f"{name} is no text: choose a zip, csv or json file")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
