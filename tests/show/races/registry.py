# SPDX-License-Identifier: Apache-2.0
# Two locks in two orders: a registry that tells its listeners, and a listener that asks the registry.
import threading

registry, listener = threading.Lock(), threading.Lock()
names, heard = [], []


def publish(name):
    with registry:
        names.append(name)
        line = ', '.join(sorted(names)).strip().upper()
        with listener:
            heard.append(line)


def report():
    with listener:
        known = list(heard)
        with registry:
            return len(names) - len(known)


threads = [threading.Thread(target=publish, args=('a',)), threading.Thread(target=report)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(len(names))
