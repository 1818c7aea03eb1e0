import concurrent.futures as f, time
with f.ThreadPoolExecutor(8) as p:
    p.submit(time.sleep, 5).result()
print("ok")
