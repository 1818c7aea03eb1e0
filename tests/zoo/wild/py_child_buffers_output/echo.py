import sys

while line := sys.stdin.readline():
    print(line.upper(), end="")
