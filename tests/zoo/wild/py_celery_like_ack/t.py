"""A pool of its own: the worker waits for the master's acknowledgement over a socket, the master for the worker's result."""
import multiprocessing as mp
import socket


def work(s):
    while True:
        size = s.recv(4)
        if not size:
            return
        task = s.recv(int(size))
        s.sendall(b"ready")
        # the acknowledgement

        s.recv(3)
        s.sendall(task.upper())


def run(s, task):
    s.sendall(b"%04d" % len(task))
    s.sendall(task)
    answer = s.recv(5)
    # the result
    answer = s.recv(100)
    return answer


if __name__ == "__main__":
    master, slave = socket.socketpair()
    p = mp.Process(target=work, args=(slave,), daemon=True)
    p.start()
    slave.close()
    print(run(master, b"hello"))
