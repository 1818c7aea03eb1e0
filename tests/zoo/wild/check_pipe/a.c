/* A test of check, which runs it in a child: the test reads an answer that never comes. */
#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(int fd)
{
	char c = '?';

	ck_assert_int_eq(write(fd, &c, 1), 1);
	return (int)read(fd, &c, 1);
}

START_TEST(test_answer)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	ck_assert_int_eq(ask(fd[0]), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire");
	TCase *c = tcase_create("core");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(c, 0);
	tcase_add_test(c, test_answer);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	return srunner_ntests_failed(r);
}
