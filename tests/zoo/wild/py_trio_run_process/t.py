"""Waits for a helper to end, to whom nobody connects."""
import sys

import trio


async def main():
    done = await trio.run_process([sys.executable, "helper.py"], capture_stdout=True)
    print(done.stdout)


trio.run(main)
