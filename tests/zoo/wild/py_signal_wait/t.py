"""Waits for a signal that nobody sends."""
import signal


def main():
    signal.sigwait({signal.SIGUSR1})


main()
