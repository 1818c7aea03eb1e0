"""Waits for a slow child."""
import trio


async def main():
    done = await trio.run_process(["sh", "-c", "sleep 3; echo done"], capture_stdout=True)
    print(done.stdout)


trio.run(main)
