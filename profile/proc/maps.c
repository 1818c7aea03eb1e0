/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/proc/maps.h"
#include "profile/proc/slow_read.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

static bool hex_until(char **at, char stop, uint64_t *out)
{
	char *end;

	if (**at == '-' || **at == '+' || **at == ' ')
		return false;
	*out = strtoull(*at, &end, 16);
	if (end == *at || *end != stop)
		return false;
	*at = end + 1;
	return true;
}

/* 7f00-7f10 r-xp 00001000 fe:01 1234      /usr/lib/x.so */
static bool map_parse(char *line, struct map_entry *m)
{
	uint64_t major_nr, minor_nr;
	char *end;
	size_t len;

	if (!hex_until(&line, '-', &m->start) || !hex_until(&line, ' ', &m->end) || m->end <= m->start)
		return false;
	if (strlen(line) < 5 || line[4] != ' ')
		return false;
	m->r = line[0] == 'r';
	m->w = line[1] == 'w';
	m->x = line[2] == 'x';
	line += 5;
	if (!hex_until(&line, ' ', &m->offset) || !hex_until(&line, ':', &major_nr) ||
	    !hex_until(&line, ' ', &minor_nr))
		return false;
	m->dev_major = (unsigned)major_nr;
	m->dev_minor = (unsigned)minor_nr;
	m->inode = strtoull(line, &end, 10);
	while (*end == ' ')
		end++;
	len = strlen(end);
	m->deleted = len > 10 && strcmp(end + len - 10, " (deleted)") == 0;
	if (m->deleted)
		end[len - 10] = '\0';
	m->path = end;
	return true;
}

void maps_parse(struct maps *m, char *text, size_t n)
{
	size_t cap = 0;
	char *line = text, *end = text + n;

	*m = (struct maps){ .text = text };
	while (line < end) {
		char *nl = memchr(line, '\n', (size_t)(end - line));
		struct map_entry one = { 0 };

		if (!nl)
			nl = end;
		*nl = '\0';
		/* The kernel writes them by rising address; a search relies on it. */
		if (map_parse(line, &one) && (m->n == 0 || one.start >= m->v[m->n - 1].end)) {
			if (m->n == cap) {
				cap = cap ? cap * 2 : 64;
				m->v = xreallocarray(m->v, cap, sizeof(*m->v));
			}
			m->v[m->n++] = one;
		}
		line = nl + 1;
	}
}

/* The kernel ends such a file when the process maps nothing more; 65,530 mappings are its default limit. */
enum { MAPS_BYTES_MAX = 64 << 20, PIECES_MAX = 256 };

int maps_read(struct maps *m, pid_t pid)
{
	char *text;
	ssize_t n;

	*m = (struct maps){ 0 };
	n = proc_slow_read(pid, "maps", MAPS_BYTES_MAX, &text);
	if (n < 0)
		return -1;
	text = xrealloc(text, (size_t)n + 2);
	text[n++] = '\n';
	text[n] = '\0';
	maps_parse(m, text, (size_t)n);
	return 0;
}

void maps_release(struct maps *m)
{
	free(m->v);
	free(m->text);
	*m = (struct maps){ 0 };
}

const struct map_entry *maps_find(const struct maps *m, uint64_t addr)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr < m->v[mid].start)
			hi = mid;
		else if (addr >= m->v[mid].end)
			lo = mid + 1;
		else
			return &m->v[mid];
	}
	return NULL;
}

ssize_t peek_read(struct peek *p, uint64_t addr, void *buf, size_t n)
{
	struct iovec to = { buf, n }, from = { (void *)(uintptr_t)addr, n };
	ssize_t got;

	p->calls++;
	if (p->off) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (p->mem_fd < 0)
		return process_vm_readv(p->pid, &to, 1, &from, 1, 0);
	do
		got = pread(p->mem_fd, buf, n, (off_t)addr);
	while (got < 0 && errno == EINTR);
	return got;
}

/* At most so many; without a call for several of them, one after the other. */
static size_t pieces_read(struct peek *p, const struct peek_piece *v, size_t count)
{
	struct iovec to[PIECES_MAX], from[PIECES_MAX];
	ssize_t got, whole = 0;
	size_t n = 0;

	if (p->off || p->mem_fd >= 0) {
		while (n < count && peek_read(p, v[n].addr, v[n].to, v[n].n) == (ssize_t)v[n].n)
			n++;
		return n;
	}
	for (size_t i = 0; i < count; i++) {
		to[i] = (struct iovec){ v[i].to, v[i].n };
		from[i] = (struct iovec){ (void *)(uintptr_t)v[i].addr, v[i].n };
	}
	p->calls++;
	got = process_vm_readv(p->pid, to, count, from, count, 0);
	while (n < count && whole + (ssize_t)v[n].n <= got)
		whole += (ssize_t)v[n++].n;
	return n;
}

size_t peek_pieces(struct peek *p, const struct peek_piece *v, size_t count)
{
	size_t n = 0;

	while (n < count) {
		size_t part = count - n < PIECES_MAX ? count - n : PIECES_MAX, got = pieces_read(p, v + n, part);

		n += got;
		if (got < part)
			break;
	}
	return n;
}

bool peek_full(struct peek *p, uint64_t addr, void *buf, size_t n)
{
	return addr && peek_read(p, addr, buf, n) == (ssize_t)n;
}
