import time
def test_a(): time.sleep(2.5)
def test_b(): time.sleep(2.5)
