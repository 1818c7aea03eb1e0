import asyncio


async def main():
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    await asyncio.sleep(3.2)
    server.close()


asyncio.run(main())
