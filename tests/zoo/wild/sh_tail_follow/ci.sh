# Follows a log that nobody writes any more.
echo started > app.log
tail -f app.log
