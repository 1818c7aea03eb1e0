import asyncio
async def main():
    s = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    try:
        await asyncio.wait_for(s.serve_forever(), 5)
    except asyncio.TimeoutError:
        print("ok")
asyncio.run(main())
