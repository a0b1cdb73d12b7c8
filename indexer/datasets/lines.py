"""Bytes of a text file -> numbered lines, a block at a time: fast where all is well, exact where it is not.

A file is UTF-8 (a byte order mark and CRLF are fine). It is Latin-1, as the older MovieLens files are, when it has no
valid multi-byte character but lines that only Latin-1 explains. A line that does not decode stays bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Literal

from indexer.datasets.errors import NotText

Encoding = Literal["utf-8", "latin-1"]
Line = str | bytes  # bytes: the line does not decode

BLOCK = 2**20  # bytes read at once
LONGEST_LINE = 2**20
_NOT_LATIN_1 = re.compile(rb"[\x80-\x9f\xfe\xff]")  # control characters, and two letters that titles do not have
_BOM = b"\xef\xbb\xbf"


def blocks(stream: BinaryIO, file: str) -> Iterator[bytes]:
    """The file in pieces of whole lines. Raises NotText for one that is none, or has endless lines."""
    start = stream.read(BLOCK)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotText(f"{file} is UTF-16: save it as UTF-8.")
    rest, chunk = b"", start.removeprefix(_BOM)
    while chunk:
        whole, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield rest + whole + newline
            rest = tail
        else:
            rest += chunk
        if len(rest) > LONGEST_LINE:
            raise NotText(f"{file} has a line of more than {LONGEST_LINE} bytes: this is no table.")
        chunk = stream.read(BLOCK)
    if rest:
        yield rest


def numbered_lines(pieces: Iterable[bytes], encoding: Encoding) -> Iterator[tuple[int, list[Line]]]:
    """Pairs of the first line's number (from 1) and the lines, without their ends."""
    number = 1
    for piece in pieces:
        lines = _decode(piece, encoding)
        yield number, lines
        number += len(lines)


def _decode(piece: bytes, encoding: Encoding) -> list[Line]:
    piece = piece.removesuffix(b"\n").replace(b"\r\n", b"\n").removesuffix(b"\r")
    if b"\0" not in piece:
        try:
            return list[Line](piece.decode(encoding).split("\n"))
        except UnicodeDecodeError:
            pass  # some line is broken: find out which
    return [_decode_line(line, encoding) for line in piece.split(b"\n")]


def _decode_line(line: bytes, encoding: Encoding) -> Line:
    if b"\0" in line:
        return line
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return line


def guess_encoding(pieces: Iterable[bytes]) -> Encoding:
    """Reads everything unless a valid multi-byte character turns up, which settles it."""
    latin_1 = False
    for piece in pieces:
        if piece.isascii():
            continue
        for line in piece.split(b"\n"):
            if line.isascii():
                continue
            try:
                line.decode()
                return "utf-8"
            except UnicodeDecodeError:
                latin_1 = latin_1 or not _NOT_LATIN_1.search(line)
    return "latin-1" if latin_1 else "utf-8"
