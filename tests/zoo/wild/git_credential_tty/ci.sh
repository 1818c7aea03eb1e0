# A private repository asks for a login, and git asks on the terminal.
python3 server.py >port &
until [ -s port ]; do sleep 0.1; done
git -c credential.helper= clone "http://127.0.0.1:$(cat port)/private.git" copy
kill $!
