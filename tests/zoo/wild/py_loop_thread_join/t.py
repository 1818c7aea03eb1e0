"""An event loop in a thread is asked to stop from the wrong thread: it does not wake up."""
import asyncio
import threading


def stop(loop, thread):
    # call_soon_threadsafe is missing
    loop.stop() or thread.join()


loop = asyncio.new_event_loop()
thread = threading.Thread(target=loop.run_forever)
thread.start()
threading.Event().wait(0.3)
stop(loop, thread)
