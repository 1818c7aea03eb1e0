import sys
import time


def packet():
    size = int(sys.stdin.buffer.read(4) or b"0000", 16)
    return sys.stdin.buffer.read(size - 4) if size else b""


def send(*lines):
    for line in lines:
        sys.stdout.buffer.write(b"%04x%s" % (len(line) + 4, line) if line else b"0000")
    sys.stdout.buffer.flush()


def until_flush():
    return list(iter(packet, b""))


until_flush()
send(b"git-filter-server\n", b"version=2\n", b"")
until_flush()
send(b"capability=clean\n", b"")
while True:
    head = until_flush()
    if not head:
        break
    body = b"".join(until_flush())
    time.sleep(4)
    send(b"status=success\n", b"", body, b"", b"")
