# A menu in a script that was written for people.
PS3='Which target? '
select target in debug release quit; do
	echo "building $target"
	break
done
