import os
import time


def connect():
    while not os.path.exists("db.up"):
        time.sleep(0.2)


connect()
os.write(7, b"ready\n")
