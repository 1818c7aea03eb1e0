"""One of the parameters hangs."""
import threading

import pytest


def fetch(kind):
    done = threading.Event()
    if kind != "slow":
        done.set()
    done.wait()


@pytest.mark.parametrize("kind", ["fast", "slow", "other"])
def test_fetch(kind):
    fetch(kind)
