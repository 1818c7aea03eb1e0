# Calls a service that the bus has to start first; it starts, and never takes its name.
export XDG_DATA_DIRS=$PWD/share
mkdir -p share/dbus-1/services
printf '[D-BUS Service]\nName=org.example.Ci\nExec=/bin/sleep 500\n' >share/dbus-1/services/ci.service
dbus-run-session -- dbus-send --session --print-reply --reply-timeout=2000000 --dest=org.example.Ci /a org.example.Ci.Ping
