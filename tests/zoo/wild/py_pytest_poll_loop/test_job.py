"""The test polls for a state that the job never reaches, without a limit."""
import time


class Job:
    state = "queued"


def wait_for(job, state):
    while job.state != state:
        time.sleep(0.05)


def test_done():
    job = Job()
    wait_for(job, "done")
