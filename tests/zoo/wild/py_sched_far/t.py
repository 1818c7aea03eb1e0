"""The time of the next run is in the wrong unit."""
import sched
import time

s = sched.scheduler(time.time, time.sleep)
s.enterabs(time.time() + 1e6, 1, print, ("nightly",))
s.run()
