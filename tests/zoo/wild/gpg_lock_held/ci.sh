# Imports a key, while somebody else has GnuPG's lock on the key ring.
export GNUPGHOME=$PWD/home
mkdir -m 700 home
gpg -q --batch --list-keys
sleep 500 &
holder=$!
trap 'kill $holder' EXIT
printf '%10d\n%s\n' $holder "$(uname -n)" >home/pubring.kbx.lock
gpg -q --batch --passphrase '' --quick-gen-key ci@example.org
