# Pushes to a repository whose hook takes its time.
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
git init -q --bare site.git
cp post-receive site.git/hooks/post-receive && chmod +x site.git/hooks/post-receive
git init -q w && cd w && git commit -q --allow-empty -m first
git push -q ../site.git HEAD:main
