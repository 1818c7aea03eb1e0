from settings import CONFIG


def test_config():
    assert CONFIG
