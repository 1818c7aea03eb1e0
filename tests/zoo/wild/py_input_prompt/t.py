"""Asks on standard input, and nobody answers."""


def confirm():
    return input("Remove 3 packages (y/n)? ") == "y"


confirm()
