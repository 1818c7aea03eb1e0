dbus-run-session -- sleep 3
