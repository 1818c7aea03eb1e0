def ask():
    """Asks for a name.

    >>> ask()
    'x'
    """
    return input("name: ")
