"""Accept TLS, and relay each connection to a server without TLS: `python -m tests.tls_relay`.

The Redis that the tests install has no TLS. Clients cannot tell this relay from one that has.
"""

import asyncio
import ssl
import sys
from contextlib import suppress


async def relay(reader, writer):
    with suppress(OSError):
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def serve(addresses, port, target, folder):
    """Relay connections to `port` of these addresses to the port `target` of 127.0.0.1.

    `folder` has redis.crt and redis.key.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/redis.crt", f"{folder}/redis.key")

    async def accept(reader, writer):
        try:
            their_reader, their_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(relay(reader, their_writer), relay(their_reader, writer))

    async with await asyncio.start_server(accept, addresses, port, ssl=context) as server:
        await server.serve_forever()


if __name__ == "__main__":
    addresses, port, target, folder = sys.argv[1:]
    asyncio.run(serve(addresses.split(","), int(port), int(target), folder))
