"""Workers that were forked take turns at accept by a lock; one of them has died with it, the client waits."""
import multiprocessing as mp
import os
import socket
import time


def worker(server, turn, dies):
    if not dies:
        time.sleep(0.5)
    turn.acquire()
    if dies:
        os._exit(1)
    c, _ = server.accept()
    turn.release()
    c.sendall(b"200\n")


def get(address):
    with socket.create_connection(address) as c:
        return c.recv(100)


if __name__ == "__main__":
    mp.set_start_method("fork")
    server = socket.create_server(("127.0.0.1", 0))
    turn = mp.Lock()
    for dies in True, False:
        mp.Process(target=worker, args=(server, turn, dies)).start()
    print(get(server.getsockname()))
