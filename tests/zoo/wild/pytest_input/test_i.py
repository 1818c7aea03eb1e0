def ask():
    return input("Delete the test database? [y/N] ")


def test_fast():
    pass


def test_migrate():
    assert ask() == "y"
