"""The files of a data set, in a folder or in a zip archive, opened by name and read as a stream.

An archive is never unpacked: its members are read in place. One that could hurt (names that lead out of it, links,
names twice, passwords, more than the limits allow) is refused as a whole. What the files hold is not looked at here.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from indexer.datasets.errors import DatasetError
from indexer.datasets.settings import DatasetSettings

_SUFFIXES = (".csv", ".tsv", ".dat", ".data", ".item", ".user", ".txt")
_DEEPEST = 3  # parts of a member's name: archive folder, data set folder, file
_MOST_ENTRIES = 5000  # of a folder: more is somebody's home, not a data set
_SMALL = 2**20  # a ratio means nothing for a file of this size or less


class Source(Protocol):
    name: str  # of the data set: the folder's or the archive's

    def files(self) -> Mapping[str, int]:
        """Name within the source -> size in bytes, of the files that may hold a table."""

    def open(self, file: str) -> AbstractContextManager[BinaryIO]: ...


def open_source(path: Path, settings: DatasetSettings) -> Source:
    """Raises DatasetError if there is nothing, or an archive that is damaged or refused."""
    if path.is_dir():
        return FolderSource(path)
    if path.is_file() and zipfile.is_zipfile(path):
        return ZipSource(path, settings)
    if path.exists():
        raise DatasetError(f"{path} is neither a folder nor a zip archive: name the folder that holds the data set.")
    raise DatasetError(f"{path} does not exist: name a folder or zip archive that holds a data set.")


class FolderSource:
    """A folder and the folders directly in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = folder.resolve().name

    def files(self) -> dict[str, int]:
        found = (path for pattern in ("*", "*/*") for path in self._folder.glob(pattern))
        paths = {path.relative_to(self._folder).as_posix(): path for path in islice(found, _MOST_ENTRIES)}
        if len(paths) == _MOST_ENTRIES:
            raise DatasetError(f"{self._folder} holds thousands of files: name the folder of one data set.")
        return {name: path.stat().st_size for name, path in sorted(paths.items()) if _fits(name) and path.is_file()}

    @contextmanager
    def open(self, file: str) -> Iterator[BinaryIO]:
        try:
            with (self._folder / file).open("rb") as stream:
                yield stream
        except OSError as error:
            raise DatasetError(f"{self._folder / file} cannot be read: {error.strerror}.") from error


class ZipSource:
    """A zip archive whose list of members was found harmless."""

    def __init__(self, path: Path, settings: DatasetSettings) -> None:
        self._path = path
        self.name = path.stem
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DatasetError(f"{path} is a damaged zip archive ({error}): get it again.") from error
        problem = archive_problem(members, settings)
        if problem:
            raise DatasetError(f"{path} is refused: {problem}.")
        self._sizes = {member.filename: member.file_size for member in members if not member.is_dir()}

    def files(self) -> dict[str, int]:
        return {name: size for name, size in sorted(self._sizes.items()) if _fits(name)}

    @contextmanager
    def open(self, file: str) -> Iterator[BinaryIO]:
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(file) as member:
                yield cast(BinaryIO, member)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise DatasetError(f"{file} in {self._path} is damaged ({error}): get the archive again.") from error


def _fits(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return name.lower().endswith(_SUFFIXES) and len(parts) <= _DEEPEST and not hidden


def archive_problem(members: list[zipfile.ZipInfo], settings: DatasetSettings) -> str | None:
    if len(members) > settings.archive_members:
        return f"it holds {len(members)} files, more than {settings.archive_members} (MARQUEE_ARCHIVE_MEMBERS)"
    if len({member.filename for member in members}) < len(members):
        return "two of its files have the same name"
    total = sum(member.file_size for member in members)
    if total > settings.archive_bytes:
        return f"it unpacks to {total} bytes, more than {settings.archive_bytes} (MARQUEE_ARCHIVE_BYTES)"
    for member in members:
        problem = _member_problem(member, settings)
        if problem:
            return f"its file {member.orig_filename!r} {problem}"
    return None


def _member_problem(member: zipfile.ZipInfo, settings: DatasetSettings) -> str | None:
    name, mode = member.orig_filename, member.external_attr >> 16
    if name.startswith("/") or "\\" in name or ":" in name or "\0" in name or ".." in name.split("/"):
        return "has a name that leads out of the archive"
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if member.flag_bits & 0x1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed by a method that MovieLens never used"
    if member.file_size > max(_SMALL, member.compress_size * settings.archive_ratio):
        return f"unpacks to more than {settings.archive_ratio} times its size (MARQUEE_ARCHIVE_RATIO)"
    return None
