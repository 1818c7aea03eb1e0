/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - modules: the importing file's folder, the root, then audit.roots; and the run over all of them. */
#include "audit/python/frame.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>


static struct source *source_named(struct machine *m, const char *prefix, const char *path)
{
	auto_free char *name = xasprintf("%s%s%s", prefix, *prefix ? "." : "", path);

	uint32_t text = heap_textz(&m->h, name);

	return text < m->by_module_count && m->by_module[text] ? &m->sources[m->by_module[text] - 1] : NULL;
}

static struct source *find(struct frame *f, const char *path)
{
	const char *dot = strrchr(f->s->module, '.');
	auto_free char *folder = f->s->is_package ? xstrdup(f->s->module) : dot ? xstrndup(f->s->module,
		(size_t)(dot - f->s->module)) : xstrdup("");
	struct source *s = source_named(f->m, folder, path);

	s = s ? s : source_named(f->m, "", path);
	for (size_t i = 0; !s && i < f->m->options->root_count; i++) {
		auto_free char *prefix = xstrdup(f->m->options->roots[i]);

		for (char *c = prefix; *c; c++)
			if (*c == '/')
				*c = '.';
		s = source_named(f->m, prefix, path);
	}
	return s;
}

/* The dotted path that `from X import` names: one that begins with dots from the importing package. */
void import_path(struct frame *f, uint32_t node, struct str *out)
{
	const struct tree_node *n = NODE(f, node);
	const char *text = f->s->text + n->start;
	size_t length = n->end - n->start, dots = strspn(text, ".");

	if (n->kind == K_relative_import) {
		str_add(out, f->s->module);
		for (size_t i = f->s->is_package ? 1 : 0; i < dots && i < length; i++) {
			const char *dot = strrchr(str_cstr(out), '.');

			out->len = dot ? (size_t)(dot - out->data) : 0;
			out->data[out->len] = '\0';
		}
		if (length > dots && out->len)
			str_addc(out, '.');
		text += dots;
		length -= dots;
	}
	str_addn(out, text, length);
}

value_t import_module(struct frame *f, const char *path)
{
	struct source *s = find(f, path);

	for (size_t n = strcspn(path, "."); s; n += 1 + strcspn(path + n + 1, ".")) {
		auto_free char *part = xstrndup(path, n);
		struct source *one = find(f, part);

		if (one)
			module_run(f->m, (uint32_t)(one - f->m->sources));
		if (!path[n])
			break;
	}
	return value_of(H, s ? s->object : object_intern(H, O_EXTERNAL, KEY(path), 0));
}

value_t import_name(struct frame *f, const char *path, uint32_t name)
{
	struct source *s = find(f, path);
	auto_free char *whole = xasprintf("%s%s%s", path, *path ? "." : "", H->texts[name]);
	value_t v;

	if (s) {
		module_run(f->m, (uint32_t)(s - f->m->sources));
		v = slot_get(H, s->object, name);
		if (v)
			return v;
	}
	if (find(f, whole))
		return import_module(f, whole);
	return s ? unknown(f, "missing_import") : value_of(H, object_intern(H, O_EXTERNAL, KEY(whole), 0));
}

void import_star(struct frame *f, const char *path)
{
	struct source *s = find(f, path);
	value_t all, allowed = 0;

	if (!s)
		return;
	module_run(f->m, (uint32_t)(s - f->m->sources));
	all = slot_get(H, s->object, KEY("__all__"));
	allowed = value_count(H, all) == 1 ? slots_join(H, value_at(H, all, 0)) : 0;
	for (uint32_t i = H->objects[s->object].slots; i; i = H->slots[i].next) {
		const char *name = H->texts[H->slots[i].key];
		bool take = !allowed && name[0] != '_';

		for (uint32_t k = 0; k < value_count(H, allowed); k++)
			take |= strcmp(H->texts[H->objects[value_at(H, allowed, k)].a] + 2, name) == 0;
		if (take && H->slots[i].v)
			name_set(f, H->slots[i].key, H->slots[i].v);
	}
}

void module_run(struct machine *m, uint32_t source)
{
	struct source *s = &m->sources[source];
	struct frame f = { .m = m, .s = s, .source = source, .def = s->body, .env = s->object,
		.last_step = m->steps + m->options->max_steps };

	if (s->started)
		return;
	s->started = true;
	block_run(&f, 1);
	for (uint32_t i = 0; i < f.leaving_count; i++)
		free(f.leaving[i].v);
	free(f.leaving);
}

/* A function that nobody called: its parameters may be anything, but self is an instance of its class. */
static void run_uncalled(struct machine *m, uint32_t def)
{
	struct definition *d = &m->defs[def];
	struct frame f = { .m = m, .s = &m->sources[d->source], .source = d->source,
		.def = m->sources[d->source].body, .last_step = UINT64_MAX };
	struct arguments a = { 0 };
	uint32_t class_object = d->object ? m->h.objects[d->object].c : 0;

	if (d->kind == DEF_CLASS || d->kind == DEF_MODULE || d->runs || !d->object)
		return;
	f.env = f.s->object;
	if (class_object) {
		a.count = 1;
		a.position[0] = value_of(&m->h, open_instance(&f, class_object));
	}
	function_run(&f, d->object, &a, true);
}

/* Which source has a module's name; of two the first. */
static void modules_index(struct machine *m)
{
	for (size_t i = 0; i < m->source_count; i++)
		heap_textz(&m->h, m->sources[i].module);
	m->by_module_count = m->h.text_count + 1;
	m->by_module = xcalloc(m->by_module_count, sizeof(*m->by_module));
	for (size_t i = m->source_count; i-- > 0;)
		m->by_module[heap_textz(&m->h, m->sources[i].module)] = (uint32_t)i + 1;
}

void machine_begin(struct machine *m, struct source *sources, size_t n, const struct front_options *o)
{
	memset(m, 0, sizeof(*m));
	heap_init(&m->h);
	m->sources = sources;
	m->source_count = n;
	m->options = o;
	m->node_def = xcalloc(n + 1, sizeof(*m->node_def));
	m->node_site = xcalloc(n + 1, sizeof(*m->node_site));
}

void machine_prepare(struct machine *m)
{
	modules_index(m);
	m->max_steps = 1000000;
	for (uint32_t i = 0; i < m->source_count; i++) {
		m->sources[i].object = object_new(&m->h, O_MODULE, i, 0);
		m->max_steps += 64ull * m->sources[i].tree.count;
		machine_define(m, i);
	}
}

void machine_execute(struct machine *m)
{
	for (uint32_t i = 0; i < m->source_count; i++)
		m->node_site[i] = xcalloc(m->sources[i].tree.count + 1, sizeof(uint32_t));
	for (uint32_t i = 0; i < m->source_count; i++)
		module_run(m, i);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < m->def_count; i++)
			run_uncalled(m, i);
}

void machine_release(struct machine *m)
{
	for (uint32_t i = 0; i < m->def_count; i++) {
		free(m->defs[i].name);
		free(m->defs[i].locals);
		free(m->defs[i].globals);
		free(m->defs[i].nonlocals);
	}
	free(m->defs);
	for (size_t i = 0; i < m->source_count; i++) {
		free(m->node_def[i]);
		free(m->node_site[i]);
		free(m->sources[i].names);
	}
	free(m->node_def);
	free(m->node_site);
	free(m->by_module);
	free(m->builtin_values);
	free(m->def_of_text);
	free(m->sites);
	free(m->orders);
	heap_release(&m->h);
}
