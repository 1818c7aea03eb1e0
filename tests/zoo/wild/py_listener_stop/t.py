"""The listener of the log hands records to a full queue; stop() joins its thread."""
import logging
import logging.handlers
import queue

records = queue.Queue()
outbox = queue.Queue(maxsize=1)


class Ship(logging.Handler):
    def emit(self, record):
        outbox.put(record)


listener = logging.handlers.QueueListener(records, Ship())
listener.start()
log = logging.getLogger("app")
log.addHandler(logging.handlers.QueueHandler(records))
log.error("one")
log.error("two")
listener.stop()
