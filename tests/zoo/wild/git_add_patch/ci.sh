# git asks for each hunk.
git init -q r && cd r
git config user.name t; git config user.email t@example.org
echo a >f; git add f; git commit -qm one
echo b >f
git add -p
