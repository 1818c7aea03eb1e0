"""Logs into a queue between processes that nobody reads: at the end its feeder thread cannot write the rest."""
import logging
import logging.handlers
import multiprocessing as mp


def test_many():
    logger = logging.getLogger("app")
    logger.propagate = False
    logger.addHandler(logging.handlers.QueueHandler(mp.Queue()))
    for i in range(2000):
        logger.error("record %d of many", i)
