port=$((20000 + $$ % 20000))
php -S 127.0.0.1:$port index.php >/dev/null 2>&1 &
until curl -s -o /dev/null http://127.0.0.1:$port/inner; do sleep 0.1; done
curl -s http://127.0.0.1:$port/
