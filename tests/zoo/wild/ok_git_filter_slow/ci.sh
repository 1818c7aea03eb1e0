# A long-running filter that takes its time, and answers.
git init -q .
git config filter.demo.process "python3 '$PWD/filter.py'"
git config filter.demo.required true
echo '*.dat filter=demo' >.gitattributes
echo one >a.dat
git add a.dat && git commit -q -m one 2>/dev/null || echo added
