# SPDX-License-Identifier: Apache-2.0
# Workers that look whether the queue is empty before they take: with one item left, two may see it, and one waits for ever.
import queue
import threading

todo, done = queue.Queue(), []
for n in range(7):
    todo.put(n)


def worker():
    while not todo.empty():
        done.append(todo.get())


threads = [threading.Thread(target=worker) for _ in range(2)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sum(done))
