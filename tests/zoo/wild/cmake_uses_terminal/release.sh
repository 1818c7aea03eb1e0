echo 'Version?'
read -r version
echo "$version"
