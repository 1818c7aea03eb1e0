"""A loop that never converges."""


def solve(x):
    while x != 0.3:
        x = x * 0.5 + 0.15 if x < 0.2 else x * 0.5 + 0.1
    return x


solve(0.1)
