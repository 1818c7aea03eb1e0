# Starts the server in front, and would go on with the tests.
mkdir -p tmp
nginx -p "$PWD" -c nginx.conf
echo tests
