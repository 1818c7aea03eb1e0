# A lock that a killed git left; this one tries again for ever.
git init -q r
cd r
git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one
mkdir -p .git/refs/heads
: >.git/refs/heads/topic.lock
git -c core.filesRefLockTimeout=-1 update-ref refs/heads/topic HEAD
