"""wait() while the child's output fills its pipe."""
import subprocess


def build():
    p = subprocess.Popen(["sh", "-c", "head -c 300000 /dev/zero"], stdout=subprocess.PIPE)
    p.wait()
    return p.stdout.read()


build()
