# The page goes through a pager on the terminal.
git --paginate help -a
