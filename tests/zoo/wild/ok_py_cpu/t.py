import time
end = time.process_time() + 3
n = 0
while time.process_time() < end:
    n += 1
