"""A watcher thread reads inotify-like events while the work goes on."""
import os
import threading
import time

r, w = os.pipe()
threading.Thread(target=os.read, args=(r, 1), daemon=True).start()
time.sleep(3.2)
