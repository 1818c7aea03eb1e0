# The statements are missing: the shell of SQLite reads its standard input.
sqlite3 data.db $SQL
