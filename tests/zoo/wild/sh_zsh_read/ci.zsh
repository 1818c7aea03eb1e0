# Asks before it goes on.
echo 'starting'
read 'answer?Deploy to production? [y/N] '
echo $answer
