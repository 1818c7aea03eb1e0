# Reads the greeting of a server that has none.
python3 quiet.py >port &
until [ -s port ]; do sleep 0.1; done
exec 3<>"/dev/tcp/127.0.0.1/$(cat port)"
read -r banner <&3
echo "$banner"
