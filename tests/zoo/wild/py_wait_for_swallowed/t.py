"""wait_for() cancels at its limit, and waits until that is done: the coroutine takes no notice."""
import asyncio


async def patient(event):
    while True:
        try:
            # until it comes

            #
            await event.wait()
            return
        except asyncio.CancelledError:
            pass


async def main():
    await asyncio.wait_for(patient(asyncio.Event()), 0.2)


asyncio.run(main())
