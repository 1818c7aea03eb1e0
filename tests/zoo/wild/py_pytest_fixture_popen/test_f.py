import subprocess

import pytest


@pytest.fixture
def server():
    p = subprocess.Popen(["sleep", "400"], stdout=subprocess.PIPE)
    p.stdout.readline()
    yield p
    p.kill()


def test_uses(server):
    assert server
