# The report comes from a pipe that never ends.
python3 -c '
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        while self.rfile.readline().strip():
            pass
s = http.server.HTTPServer(("127.0.0.1", 0), H)
print(s.server_port, file=open("port.tmp", "w"), flush=True)
import os; os.rename("port.tmp", "port")
s.serve_forever()' &
while [ ! -s port ]; do sleep 0.1; done
curl -s -T - "http://127.0.0.1:$(cat port)/report"
