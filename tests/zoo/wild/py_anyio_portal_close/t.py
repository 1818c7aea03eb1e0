"""Closing the portal waits for its task, whose thread waits for a lock that the closing thread holds."""
import threading

import anyio
import anyio.from_thread

busy = threading.Lock()


def work():
    with busy:
        return 1


async def task():
    return await anyio.to_thread.run_sync(work)


busy.acquire()
with anyio.from_thread.start_blocking_portal() as portal:
    portal.start_task_soon(task)
busy.release()
