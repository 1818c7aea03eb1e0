echo 1..2
echo "ok 1 - reads"
echo "ok 2 - writes"
