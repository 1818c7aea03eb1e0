# The git server takes the connection and says nothing.
python3 quiet.py &
while [ ! -s port ]; do sleep 0.1; done
git ls-remote "git://127.0.0.1:$(cat port)/x"
