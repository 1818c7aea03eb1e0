"""Drives a program by a terminal and does not know that it asks for a password."""
import os
import pty

pid, master = pty.fork()
if pid == 0:
    os.execlp("bash", "bash", "-c", "read -rs -p 'Password: ' x; echo done")
text = b""
while b"done" not in text:
    chunk = os.read(master, 100)
    os.write(1, chunk)
    text += chunk
