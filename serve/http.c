/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - the library calls on_request first with headers alone, then for each piece of a body, then once more to be
 * answered. An error is answered at the end, too: a connection that is cut while its client still writes loses the
 * answer. */
#include "serve/http.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#if MHD_VERSION < 0x00097002
typedef int mhd_result;
#else
typedef enum MHD_Result mhd_result;
#endif

#define HEADERS_NS (10 * NS_PER_S)
#define IDLE_S 30
#define BODY_NS (30 * NS_PER_S)
#define REPLY_NS (600 * NS_PER_S)
#define CROWDED (HTTP_CONNECTIONS - 2 * HTTP_THREADS)
#define SLOW_ASKER_NS NS_PER_S
#define SLOW_READER_NS (5 * NS_PER_S)
#define HEADER_BYTES ((size_t)32 << 10)
#define DRAIN_BYTES ((size_t)16 << 20) /* of a body that is refused, so that its client lives to read why */

enum conn_state { CONN_HEADERS, CONN_BODY, CONN_REPLY, CONN_IDLE };

struct conn {
	struct conn *next, *prev;
	struct http *h;
	int fd;
	enum conn_state state;
	int64_t since_ns;
	bool closing; /* was shut down: the library is about to remove it */
};

struct http {
	struct serve *sv;
	struct MHD_Daemon *daemon;
	struct sockaddr_storage name;
	pthread_mutex_t lock;  /* of the list */
	struct conn *conns;    /* the youngest first */
};

/* One request; made when its first line was read. */
struct exchange {
	char *target;
	bool begun, wanted;
	size_t seen;
	struct str body;
};

/* ---- connections ---- */

static void conn_shut(struct conn *x)
{
	shutdown(x->fd, SHUT_RDWR); /* the library sees its end, and closes it */
	x->closing = true;
}

static bool is_slow(const struct conn *x, int64_t now)
{
	return x->state != CONN_BODY && now - x->since_ns > (x->state == CONN_REPLY ? SLOW_READER_NS : SLOW_ASKER_NS);
}

/* Where nearly all connections are taken, the oldest that keeps us waiting makes room: those who queue behind a thousand
 * slow clients would wait for all of their limits. Under the lock. */
static void make_room(struct http *h, int64_t now)
{
	struct conn *oldest = NULL;
	size_t open = 0;

	for (struct conn *x = h->conns; x; x = x->next) {
		if (x->closing)
			continue;
		open++;
		if (is_slow(x, now))
			oldest = x;
	}
	if (open >= CROWDED && oldest)
		conn_shut(oldest);
}

static void conn_add(struct http *h, struct MHD_Connection *c, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct conn *x = xcalloc(1, sizeof(*x));

	*x = (struct conn){ .h = h, .fd = info ? info->connect_fd : -1, .state = CONN_HEADERS, .since_ns = clock_mono_ns() };
	pthread_mutex_lock(&h->lock);
	x->next = h->conns;
	if (h->conns)
		h->conns->prev = x;
	h->conns = x;
	make_room(h, x->since_ns);
	pthread_mutex_unlock(&h->lock);
	*context = x;
}

static void conn_remove(struct conn *x)
{
	pthread_mutex_lock(&x->h->lock);
	if (x->prev)
		x->prev->next = x->next;
	else
		x->h->conns = x->next;
	if (x->next)
		x->next->prev = x->prev;
	pthread_mutex_unlock(&x->h->lock);
	free(x);
}

static void on_connection(void *arg, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		conn_add(arg, c, context);
	} else if (*context) {
		conn_remove(*context);
		*context = NULL;
	}
}

static void conn_enter(struct MHD_Connection *c, enum conn_state state)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *x = info ? info->socket_context : NULL;

	if (!x)
		return;
	pthread_mutex_lock(&x->h->lock);
	x->state = state;
	x->since_ns = clock_mono_ns();
	pthread_mutex_unlock(&x->h->lock);
}

/* Of an idle connection the library says nothing until the next request's first line is there. */
void http_tick(struct http *h, int64_t now)
{
	static const int64_t most[] = { [CONN_HEADERS] = HEADERS_NS, [CONN_BODY] = BODY_NS, [CONN_REPLY] = REPLY_NS,
					[CONN_IDLE] = IDLE_S * NS_PER_S + HEADERS_NS };

	pthread_mutex_lock(&h->lock);
	for (struct conn *x = h->conns; x; x = x->next)
		if (now - x->since_ns > most[x->state])
			conn_shut(x);
	for (int i = 0; i < 2 * HTTP_THREADS; i++)
		make_room(h, now);
	pthread_mutex_unlock(&h->lock);
}

/* ---- replies ---- */

static void add(struct MHD_Response *r, const char *name, const char *value)
{
	if (value)
		MHD_add_response_header(r, name, value);
}

static struct MHD_Response *response_of(struct reply *a)
{
	struct MHD_Response *r;
	size_t n = a->body.len;

	if (a->fd >= 0) {
		r = MHD_create_response_from_fd64(a->fd_bytes, a->fd);
		if (r)
			a->fd = -1;
		return r;
	}
	return MHD_create_response_from_buffer(n, str_steal(&a->body), MHD_RESPMEM_MUST_FREE);
}

static mhd_result send_reply(struct MHD_Connection *c, struct reply *a)
{
	struct MHD_Response *r = response_of(a);
	mhd_result queued;

	if (!r)
		return MHD_NO;
	add(r, "Content-Type", a->type);
	add(r, "X-Content-Type-Options", "nosniff");
	add(r, "Cache-Control", "no-store");
	add(r, "Referrer-Policy", "same-origin");
	if (a->is_page)
		add(r, "Content-Security-Policy",
		    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'");
	add(r, "WWW-Authenticate", a->challenge ? "Bearer" : NULL);
	add(r, "Allow", a->allow);
	add(r, "Location", a->location);
	add(r, "Set-Cookie", a->cookie);
	add(r, "Content-Disposition", a->disposition);
	queued = MHD_queue_response(c, (unsigned int)a->status, r);
	MHD_destroy_response(r);
	return queued;
}

/* ---- requests ---- */

static void *on_target(void *arg, const char *target, struct MHD_Connection *c)
{
	struct exchange *x = xcalloc(1, sizeof(*x));

	(void)arg;
	x->target = xstrdup(target);
	conn_enter(c, CONN_HEADERS);
	return x;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *context;

	(void)arg, (void)why;
	if (x) {
		str_release(&x->body);
		free(x->target);
		free(x);
	}
	*context = NULL;
	conn_enter(c, CONN_IDLE);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static void message_of(struct MHD_Connection *c, const char *method, const struct exchange *x, struct message *m)
{
	*m = (struct message){
		.method = method,
		.target = x->target,
		.host = header(c, "Host"),
		.authorization = header(c, "Authorization"),
		.cookie = header(c, "Cookie"),
		.content_type = header(c, "Content-Type"),
		.accept = header(c, "Accept"),
		.body = str_cstr(&x->body),
		.body_n = x->body.len,
		.body_too_large = x->seen > SERVE_BODY_MOST,
	};
}

static mhd_result answer(struct serve *sv, struct MHD_Connection *c, const struct message *m)
{
	struct reply a;
	mhd_result queued;

	conn_enter(c, CONN_REPLY);
	serve_answer(sv, m, clock_real_ns(), &a);
	queued = send_reply(c, &a);
	reply_release(&a);
	return queued;
}

/* The headers are there. A client that waits for our word before it sends a body that nobody wants gets the answer now. */
static mhd_result begin(struct serve *sv, struct MHD_Connection *c, const char *method, struct exchange *x)
{
	const char *length = header(c, "Content-Length");
	unsigned long long n = length ? strtoull(length, NULL, 10) : 0;
	struct message m;

	x->begun = true;
	conn_enter(c, CONN_BODY);
	message_of(c, method, x, &m);
	m.body_too_large = n > SERVE_BODY_MOST;
	x->wanted = serve_wants_body(sv, &m);
	if (!x->wanted && (n > DRAIN_BYTES || (n && header(c, "Expect"))))
		return answer(sv, c, &m);
	return MHD_YES;
}

static mhd_result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method, const char *version,
			     const char *data, size_t *n, void **context)
{
	struct http *h = arg;
	struct exchange *x = *context;
	struct message m;

	(void)url, (void)version;
	if (!x)
		return MHD_NO;
	if (!x->begun)
		return begin(h->sv, c, method, x);
	if (*n) {
		x->seen += *n;
		if (x->seen > DRAIN_BYTES)
			return MHD_NO;
		if (x->wanted && x->seen <= SERVE_BODY_MOST)
			str_addn(&x->body, data, *n);
		*n = 0;
		return MHD_YES;
	}
	message_of(c, method, x, &m);
	return answer(h->sv, c, &m);
}

/* Targets are decoded once, by url_parse. */
static size_t leave_encoded(void *arg, struct MHD_Connection *c, char *s)
{
	(void)arg, (void)c;
	return strlen(s);
}

static void say_nothing(void *arg, const char *format, va_list ap)
{
	(void)arg, (void)format, (void)ap;
}

/* ---- the daemon ---- */

static int listen_at(const struct http_address *a, struct err *e)
{
	auto_close int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0)
		return err_sys(e, "making a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, &a->any, a->len) < 0 || listen(fd, 256) < 0)
		return err_sys(e, "listening");
	return fd_steal(&fd);
}

int http_start(struct http **out, struct serve *sv, const struct http_address *a, struct err *e)
{
	auto_close int fd = listen_at(a, e);
	struct http *h;
	socklen_t len = sizeof(h->name);

	if (fd < 0)
		return -1;
	h = xcalloc(1, sizeof(*h));
	h->sv = sv;
	pthread_mutex_init(&h->lock, NULL);
	getsockname(fd, (struct sockaddr *)&h->name, &len);
	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_USE_ITC, 0, NULL, NULL, on_request, h,
		MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
		(unsigned int)HTTP_THREADS, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_BYTES,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
		MHD_OPTION_END);
	if (!h->daemon) {
		pthread_mutex_destroy(&h->lock);
		free(h);
		return err_set(e, ERR_FAILURE, "the HTTP library cannot be initialised");
	}
	fd_steal(&fd); /* the daemon's */
	*out = h;
	return 0;
}

void http_name(const struct http *h, char *out, size_t size)
{
	const struct sockaddr_in6 *six = (const void *)&h->name;
	const struct sockaddr_in *four = (const void *)&h->name;
	char host[INET6_ADDRSTRLEN];

	if (h->name.ss_family == AF_INET6)
		snprintf(out, size, "[%s]:%d", inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host)),
			 ntohs(six->sin6_port));
	else
		snprintf(out, size, "%s:%d", inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host)), ntohs(four->sin_port));
}

void http_stop(struct http *h)
{
	MHD_stop_daemon(h->daemon);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
