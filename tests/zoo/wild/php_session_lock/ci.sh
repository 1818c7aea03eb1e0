mkdir -p s
php holder.php &
while [ ! -e taken ]; do sleep 0.1; done
php a.php
