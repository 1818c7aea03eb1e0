# Waits until a report is there; but it was made before the watch.
mkdir reports
touch reports/a.xml
inotifywait -qm -e create reports | while read -r dir event name; do
	case $name in *.xml) break ;; esac
done
