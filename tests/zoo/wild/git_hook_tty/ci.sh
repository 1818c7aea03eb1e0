git init -q .
git config user.name t; git config user.email t@example.org
printf '#!/bin/sh\n# hook\nprintf "Ticket: " >/dev/tty\nread ticket </dev/tty\n' >.git/hooks/pre-commit
chmod +x .git/hooks/pre-commit
git commit -q --allow-empty -m one
