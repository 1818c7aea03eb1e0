"""Waits for a line that this version of the server does not print."""
import subprocess
import sys


def wait_ready(server):
    for line in server.stdout:
        if "ready" in line:
            return


code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print('listening', flush=True); s.accept()"
wait_ready(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True))
