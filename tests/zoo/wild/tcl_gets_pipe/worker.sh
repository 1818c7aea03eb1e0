while read -r word; do
	echo "ok $word"
done
