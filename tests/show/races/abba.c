/* SPDX-License-Identifier: Apache-2.0 */
/* Two accounts, two transfers at once: each takes the account that it debits first, so they may wait for each other. */
#include <pthread.h>
#include <stdio.h>

static struct account {
	pthread_mutex_t lock;
	long cents;
} accounts[2] = { { PTHREAD_MUTEX_INITIALIZER, 1000 }, { PTHREAD_MUTEX_INITIALIZER, 1000 } };

static void transfer(struct account *from, struct account *to, long cents)
{
	pthread_mutex_lock(&from->lock);
	pthread_mutex_lock(&to->lock);
	from->cents -= cents;
	to->cents += cents;
	pthread_mutex_unlock(&to->lock);
	pthread_mutex_unlock(&from->lock);
}

static void *there(void *arg)
{
	transfer(&accounts[0], &accounts[1], 10);
	return arg;
}

static void *back(void *arg)
{
	transfer(&accounts[1], &accounts[0], 20);
	return arg;
}

int main(void)
{
	pthread_t a, b;

	pthread_create(&a, NULL, there, NULL);
	pthread_create(&b, NULL, back, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	printf("%ld %ld\n", accounts[0].cents, accounts[1].cents);
	return 0;
}
