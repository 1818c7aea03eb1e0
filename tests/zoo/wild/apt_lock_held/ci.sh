# Another program holds dpkg's lock; apt-get waits for it, a second at a time.
mkdir -p root/var/lib/dpkg root/var/lib/apt/lists/partial root/etc/apt root/var/cache/apt/archives/partial
: >root/var/lib/dpkg/status
perl -MFcntl -e 'open my $f, ">", "root/var/lib/dpkg/lock-frontend"; my $l = pack("s s x4 l! l! i x4", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $l) or die; $| = 1; print "held\n"; sleep 1000' >held &
while ! test -s held; do sleep 0.1; done
apt-get -o Dir=$PWD/root -o Dir::State::status=$PWD/root/var/lib/dpkg/status -o DPkg::Lock::Timeout=900 -y install nothing
