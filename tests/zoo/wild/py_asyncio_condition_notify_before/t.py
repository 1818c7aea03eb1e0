"""The condition is notified before anybody waits for it, and nobody looks at the items first."""
import asyncio


class Box:
    items = []

    async def consume(self, changed):
        async with changed:
            await changed.wait()
            return self.items.pop()

    async def produce(self, changed):
        async with changed:
            self.items.append(1)
            changed.notify()


async def main():
    box, changed = Box(), asyncio.Condition()
    await box.produce(changed)
    print(await box.consume(changed))

asyncio.run(main())
