"""The other side listens and says nothing: smtplib waits for its greeting."""
import smtplib
import socket


def notify(port):
    with smtplib.SMTP("127.0.0.1", port) as s:
        s.noop()


silent = socket.create_server(("127.0.0.1", 0))
notify(silent.getsockname()[1])
