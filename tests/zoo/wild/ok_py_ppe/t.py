import concurrent.futures as f, time
if __name__ == "__main__":
    with f.ProcessPoolExecutor(4) as p:
        print(sum(p.map(time.sleep, [3, 3, 3, 3]) and [0]))
