# A long-running filter that waits for more than git sends before its answer.
git init -q .
git config filter.demo.process "python3 '$PWD/filter.py'"
git config filter.demo.required true
echo '*.dat filter=demo' >.gitattributes
echo one >a.dat
git add a.dat
