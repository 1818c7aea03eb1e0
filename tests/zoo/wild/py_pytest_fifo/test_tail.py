"""The reader opens a FIFO that nobody writes."""
import os


def read_events(path):
    with open(path) as f:
        return f.read()


def test_events(tmp_path):
    p = tmp_path / "events"
    os.mkfifo(p)
    assert read_events(p) == ""
