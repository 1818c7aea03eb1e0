# A forwarder stands between client and service.
python3 service.py &
until [ -S service.sock ]; do sleep 0.1; done
socat UNIX-LISTEN:front.sock UNIX-CONNECT:service.sock &
until [ -S front.sock ]; do sleep 0.1; done
python3 client.py
