# A configuration file was changed by hand and comes in a new version: dpkg asks.
set -e
mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates p/DEBIAN p/etc
touch root/var/lib/dpkg/status
put() {
	printf 'Package: a\nVersion: %s\nArchitecture: all\nMaintainer: a <a@example.com>\nDescription: a\n' $1 >p/DEBIAN/control
	echo /etc/a.conf >p/DEBIAN/conffiles
	echo "version $1" >p/etc/a.conf
	dpkg-deb -b p a-$1.deb >/dev/null
}
put 1
put 2
dpkg --root="$PWD/root" --force-script-chrootless -i a-1.deb
echo mine >root/etc/a.conf
dpkg --root="$PWD/root" --force-script-chrootless -i a-2.deb
