# Asks a server for its certificate, and ends the client after a while.
openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 -subj /CN=a 2>/dev/null
openssl s_server -www -quiet -accept 127.0.0.1:0 -key k.pem -cert c.pem >s.log 2>&1 </dev/null &
server=$!
trap 'kill $server' EXIT
for _ in $(seq 100); do
	port=$(ss -Hltnp 2>/dev/null | sed -n "s/.*127.0.0.1:\([0-9]*\) .*pid=$server,.*/\1/p")
	[ -z "$port" ] || break
	sleep 0.1
done
{ sleep 3; echo Q; } | openssl s_client -connect "127.0.0.1:$port" >cert.log 2>&1
