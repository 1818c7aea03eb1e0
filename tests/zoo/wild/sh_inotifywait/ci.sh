# The file is there before anybody looks.
mkdir res
echo done >res/result
inotifywait -q -e close_write res
