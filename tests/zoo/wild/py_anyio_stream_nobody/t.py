"""A stream without a buffer, whose receiver has not been started."""
import anyio


async def produce(send):
    await send.send("job")


async def main():
    send, receive = anyio.create_memory_object_stream(0)
    async with anyio.create_task_group() as tg:
        tg.start_soon(produce, send)


anyio.run(main)
