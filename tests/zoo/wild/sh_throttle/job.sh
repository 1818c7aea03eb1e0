if [ "$1" = 3 ]; then
	echo go >token
else
	read -r go <token
fi
