# SPDX-License-Identifier: Apache-2.0
# A parent that looks whether its child has signalled and then pauses: a signal in between is lost, and pause() never returns.
import os
import signal
import time

ready = False


def on_ready(number, frame):
    global ready
    ready = True


signal.signal(signal.SIGUSR1, on_ready)
parent = os.getpid()
child = os.fork()
if child == 0:
    time.sleep(0.01)  # a child needs a while to start
    os.kill(parent, signal.SIGUSR1)
    os._exit(0)
if not ready:
    signal.pause()
os.waitpid(child, 0)
print('ready')
