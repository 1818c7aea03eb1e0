# The mirror sends a header and half of the file.
python3 server.py >port &
until [ -s port ]; do sleep 0.1; done
curl -sS -o file "http://127.0.0.1:$(cat port)/file"
kill $!
