"""A slow function in a thread of anyio's, through a portal."""
import time

import anyio
import anyio.from_thread


async def task():
    return await anyio.to_thread.run_sync(time.sleep, 3)


with anyio.from_thread.start_blocking_portal() as portal:
    portal.start_task_soon(task)
print("done")
