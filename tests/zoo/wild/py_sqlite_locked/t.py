"""Two connections of one program: the first one's transaction is never ended, the second one waits for a very long time."""
import sqlite3

first = sqlite3.connect("a.db", isolation_level=None)
first.execute("create table t (n)")
first.execute("begin exclusive")


def second():
    db = sqlite3.connect("a.db", timeout=600)
    # waits in SQLite's busy handler
    db.execute("insert into t values (1)")


second()
