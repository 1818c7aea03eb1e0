import subprocess
for i in range(4):
    subprocess.run(["sleep", "0.8"], check=True)
