import sys


def packet():
    size = int(sys.stdin.buffer.read(4), 16)
    return sys.stdin.buffer.read(size - 4) if size else b""


def hello():
    lines = [packet() for _ in range(3)]
    # the list of capabilities is sent only after our answer
    lines.append(packet())
    return lines


print(hello())
