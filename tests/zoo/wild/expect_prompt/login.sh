printf 'User name: '
read -r name
echo "welcome $name"
