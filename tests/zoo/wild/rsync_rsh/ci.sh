mkdir -p src && echo a >src/a
rsync -a -e ./rsh.sh src/ backup.example:dst/
