"""Both sides of a handshake read first, in a test that runs trio."""
import trio


def test_adds():
    assert 1 + 1 == 2


async def handshake(stream, name):
    theirs = await stream.receive_some(10)
    await stream.send_all(name)
    return theirs


async def both():
    a, b = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(handshake, a, b"a")
        nursery.start_soon(handshake, b, b"b")


def test_handshake():
    import trio.testing
    trio.run(both)
