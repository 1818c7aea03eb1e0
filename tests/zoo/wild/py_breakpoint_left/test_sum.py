def total(xs):
    s = 0
    for x in xs:
        breakpoint()
        s += x
    return s


def test_total():
    assert total([1, 2]) == 3
