import concurrent.futures
import time

with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(abs, range(4)))
    time.sleep(3.2)
