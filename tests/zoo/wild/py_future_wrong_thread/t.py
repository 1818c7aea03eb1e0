"""A thread sets the result of an asyncio future without telling the loop."""
import asyncio
import threading
import time


async def wait_for_answer(future):
    return await future


async def main():
    future = asyncio.get_running_loop().create_future()
    threading.Thread(target=lambda: (time.sleep(0.4), future.set_result(1))).start()
    await wait_for_answer(future)


asyncio.run(main())
