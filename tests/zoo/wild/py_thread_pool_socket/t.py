"""Workers of a pool read from sockets that stay silent; map waits for them."""
import concurrent.futures
import socket

pairs = [socket.socketpair() for _ in range(3)]


def fetch(n):
    return pairs[n][0].recv(10)


with concurrent.futures.ThreadPoolExecutor(3) as pool:
    print(list(pool.map(fetch, range(3))))
