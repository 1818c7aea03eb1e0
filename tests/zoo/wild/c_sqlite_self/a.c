/* One connection has a statement open that reads; another of the same program wants to commit, and waits for it. */
#include <sqlite3.h>
#include <stdio.h>

static int save(sqlite3 *db)
{
	return sqlite3_exec(db, "insert into t values (2)", 0, 0, 0);
}

int main(void)
{
	sqlite3 *a, *b;
	sqlite3_stmt *st;

	sqlite3_open("app.db", &a);
	sqlite3_open("app.db", &b);
	sqlite3_exec(a, "create table t(x); insert into t values (1),(3)", 0, 0, 0);
	sqlite3_busy_timeout(b, 3600000);
	sqlite3_prepare_v2(a, "select x from t", -1, &st, 0);
	sqlite3_step(st);
	return save(b);
}
