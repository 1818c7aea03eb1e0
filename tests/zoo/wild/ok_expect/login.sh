printf 'User name: '
read -r name
sleep 1
echo "welcome $name"
