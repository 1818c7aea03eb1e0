import sqlite3


def store():
    db = sqlite3.connect("a.db", timeout=600)
    with db:
        db.execute("insert into t values (2)")


store()
