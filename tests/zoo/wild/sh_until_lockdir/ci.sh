# A lock that is a folder, left by a run that was killed.
mkdir build.lock
until mkdir build.lock 2>/dev/null; do
	sleep 1
done
echo building
