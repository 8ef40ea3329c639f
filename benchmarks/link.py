"""A link with a round-trip time: a TCP proxy that delays each direction, and connection set-up.

    python3 benchmarks/link.py TARGET_PORT ROUND_TRIP_MS

Prints the port it listens on. What a network delays is delayed: a client's first byte arrives one
and a half round trips after connect(), as after a handshake; every other one after half of one.
"""

import asyncio
import sys


async def carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    delay: float,
    start: float,
) -> None:
    """Hand on what arrives, each piece after the delay."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(start)
    while piece := await reader.read(1 << 16):
        loop.call_later(delay, writer.write, piece)
    loop.call_later(delay, writer.close)


async def serve(target: int, round_trip: float) -> None:
    """Accept until killed."""

    async def accept(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(
            carry(reader, back, round_trip / 2, round_trip),
            carry(there, writer, round_trip / 2, 0),
            return_exceptions=True,
        )

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
