echo one >a.txt
python3 -m zipfile -c a.zip a.txt
unzip a.zip </dev/tty
