"""`python -m marquee.forward PORT:HOST:PORT ...`: passes TCP connections on.

Compose's `dev` profile publishes the inner services through it, since a profile cannot add ports to a service.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

CHUNK_BYTES = 64 * 1024


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()


async def forward(listen_host: str, listen_port: int, host: str, port: int) -> asyncio.Server:
    """A server on the first address whose connections go to the second; either side's end is passed on."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(host, port)
        except OSError as error:
            print(f"{host}:{port}: {error}", file=sys.stderr)
            writer.close()
            return
        both = (copy(reader, there_writer), copy(there_reader, writer))
        await asyncio.gather(*both, return_exceptions=True)  # a reset of one side ends that side
        there_writer.close()
        writer.close()

    return await asyncio.start_server(connected, listen_host, listen_port)


async def main(routes: Sequence[str]) -> None:
    servers = []
    for route in routes:
        listen_port, host, port = route.split(":")
        servers.append(await forward("0.0.0.0", int(listen_port), host, int(port)))
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
