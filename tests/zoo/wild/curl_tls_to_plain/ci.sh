# A health check that speaks TLS to a server that speaks plain text and waits for a line.
python3 plain.py >port &
until [ -s port ]; do sleep 0.1; done
curl -sk "https://127.0.0.1:$(cat port)/"
