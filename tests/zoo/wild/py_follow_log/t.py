"""Reads the lines of tail -f until one comes that says done; it never does."""
import subprocess


def follow(path):
    with subprocess.Popen(["tail", "-n", "+1", "-f", path], stdout=subprocess.PIPE, text=True) as p:
        for line in p.stdout:
            if "done" in line:
                return


open("log", "w").write("started\n")
follow("log")
