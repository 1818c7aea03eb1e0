"""Work that cannot be pickled, and a shutdown that cancels the rest."""
from concurrent.futures import ProcessPoolExecutor


def run():
    with ProcessPoolExecutor(1) as pool:
        jobs = [pool.submit(lambda: 1) for _ in range(10)]
        try:
            return [j.result() for j in jobs]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


if __name__ == "__main__":
    run()
