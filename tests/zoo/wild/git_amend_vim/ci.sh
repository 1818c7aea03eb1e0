# git opens the editor for the message.
git init -q r && cd r
git config user.name t; git config user.email t@example.org
git commit -q --allow-empty -m one
EDITOR='vim -u NONE' git commit --amend --allow-empty
