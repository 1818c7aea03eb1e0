# git commit without -m starts the editor, which waits.
git init -q .
git config user.name t; git config user.email t@example.org
echo x > f; git add f
GIT_EDITOR='sleep 300 #' git commit
