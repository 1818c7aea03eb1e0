import threading

import pytest

stop = threading.Event()


def serve():
    stop.wait()


@pytest.fixture
def server():
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield thread
    thread.join()


def test_answer(server):
    assert server.is_alive()
