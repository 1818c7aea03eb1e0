# The hook asks a daemon to index the commit; the daemon is busy with something else.
git init -q repo
python3 daemon.py &
while [ ! -S sock ]; do sleep 0.1; done
cd repo
printf '#!/bin/sh\nexec python3 "%s/enrich.py"\n' "$(dirname "$PWD")" >.git/hooks/post-commit
chmod +x .git/hooks/post-commit
git -c user.name=x -c user.email=x@example.com commit -q --allow-empty -m one
kill %1
