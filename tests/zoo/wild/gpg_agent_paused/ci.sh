# An agent that answers nobody any more.
export GNUPGHOME=$(mktemp -d /tmp/gpgXXXXXX)
trap 'gpgconf --kill gpg-agent; rm -rf "$GNUPGHOME"' EXIT
gpg-connect-agent /bye 2>/dev/null
kill -STOP $(gpg-connect-agent 'getinfo pid' /bye | sed -n 's/^D //p')
gpg --batch --list-secret-keys
