# curl asks a proxy, which asks a service that thinks for ever.
mkdir -p tmp
python3 service.py &
until [ -S service.sock ]; do sleep 0.1; done
nginx -p "$PWD" -c nginx.conf &
until [ -S proxy.sock ]; do sleep 0.1; done
curl -s --unix-socket proxy.sock http://ci/status
