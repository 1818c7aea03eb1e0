import threading, time
t = [threading.Thread(target=time.sleep, args=(3,)) for _ in range(8)]
[x.start() for x in t]
[x.join() for x in t]
