"""Workers serve the queue "default"; the task was sent to "mail", which nobody serves."""
import multiprocessing as mp


def serve(tasks, results):
    for name, args in iter(tasks.get, None):
        results.put((name, sum(args)))


class App:
    def __init__(self):
        self.queues = {"default": mp.Queue(), "mail": mp.Queue()}
        self.results = mp.Queue()
        self.workers = []

    def start(self, n):
        for _ in range(n):
            w = mp.Process(target=serve, args=(self.queues["default"], self.results), daemon=True)
            w.start()
            self.workers.append(w)

    def send(self, name, args, queue):
        self.queues[queue].put((name, args))

    def get(self):
        # waits for any result

        return self.results.get()


if __name__ == "__main__":
    app = App()
    app.start(2)
    app.send("add", [1, 2], "mail")
    print(app.get())
