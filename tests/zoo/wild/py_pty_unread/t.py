"""Waits for the end of a program that stands in a write to its terminal, which nobody reads."""
import os
import pty

pid, master = pty.fork()
if pid == 0:
    os.execlp("seq", "seq", "200000")
os.waitpid(pid, 0)
