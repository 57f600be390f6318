#include "report/unpack.h"

#include <inttypes.h>
#include <string.h>

#include "report/json-writer.h"
#include "report/print.h"

static const char *const how_names[] = {
	[OWNERS_CHOWN] = "chown",
	[OWNERS_KEEP] = "keep",
	[OWNERS_OVERRIDE] = "override",
	[OWNERS_DROP] = "drop",
};

static const char *const form_names[] = {
	[UNPACK_MERGED] = "merged",
	[UNPACK_OVERLAY] = "overlay",
	[UNPACK_OVERLAY_USER] = "overlay-user",
};

/* What was left out, in one line each. */
static const struct {
	const char *key, *one, *many;
	size_t offset;
} left_out[] = {
	{ "devices_left", "device node not made (--devices makes them)",
	  "device nodes not made (--devices makes them)",
	  offsetof(struct unpack_counts, devices_left) },
	{ "xattrs_left", "xattr that this file system or this user may not set",
	  "xattrs that this file system or this user may not set",
	  offsetof(struct unpack_counts, xattrs_left) },
	{ "xattrs_forged", "xattr that an image may not have", "xattrs that an image may not have",
	  offsetof(struct unpack_counts, forged) },
	{ "names_confined", "name that led out of the tree, and stays in it",
	  "names that led out of the tree, and stay in it",
	  offsetof(struct unpack_counts, confined) },
};

static uint64_t count_of(const struct unpack_counts *c, size_t offset)
{
	uint64_t v;

	memcpy(&v, (const char *)c + offset, sizeof(v));
	return v;
}

static int report_json(const struct report_options *opts, const struct unpack_told *t,
		       struct error *err)
{
	struct jsonw w = { .out = opts->out };
	char platform[100];

	platform_print(&t->source->platform, platform);
	jsonw_open(&w, NULL, '{');
	jsonw_str(&w, "schema", "uidfit/unpack/1");
	jsonw_str(&w, "image", t->image);
	jsonw_str(&w, "directory", t->dir);
	jsonw_str(&w, "platform", platform);
	jsonw_str(&w, "digest", t->source->digest.text[0] ? t->source->digest.text : NULL);
	jsonw_str(&w, "owners", how_names[t->how]);
	jsonw_str(&w, "form", form_names[t->form]);
	jsonw_bool(&w, "fixed", t->fix && t->fix->changed);
	jsonw_map(&w, "uid_mappings", &t->use->map.uid);
	jsonw_map(&w, "gid_mappings", &t->use->map.gid);
	jsonw_u64(&w, "layers", t->source->layer_count);
	jsonw_u64(&w, "entries", t->counts->entries);
	jsonw_u64(&w, "bytes", t->counts->bytes);
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		jsonw_u64(&w, left_out[i].key, count_of(t->counts, left_out[i].offset));
	jsonw_open(&w, "notes", '[');
	for (size_t i = 0; i < notes_count(t->notes); i++)
		jsonw_str(&w, NULL, notes_get(t->notes, i));
	jsonw_close(&w);
	jsonw_close(&w);
	return print_check(opts->out, err);
}

#define EXTENTS_SHOWN 4

/* "0-65535 as 100000-165535". */
static void print_extents(FILE *out, const struct idmap *m)
{
	for (size_t i = 0; i < MIN(m->count, (size_t)EXTENTS_SHOWN); i++) {
		const struct idmap_extent *e = &m->extents[i];

		fprintf(out, "%s%u", i ? ", " : "", e->container);
		if (e->count > 1)
			fprintf(out, "-%u", e->container + e->count - 1);
		fprintf(out, " as %u", e->host);
		if (e->count > 1)
			fprintf(out, "-%u", e->host + e->count - 1);
	}
	if (m->count > EXTENTS_SHOWN)
		fprintf(out, " and %zu more", m->count - EXTENTS_SHOWN);
}

static void print_owners(FILE *out, const struct unpack_told *t, const char *range)
{
	const struct idmap_pair *m = &t->use->map;

	if (t->how != OWNERS_CHOWN)
		return;
	fputs("  owners: ", out);
	if (t->identity) {
		fprintf(out,
			"%s as the image has them: the map has no host side (--map "
			"0:100000:65536 has)\n",
			range);
		return;
	}
	print_extents(out, &m->uid);
	if (!idmap_same(&m->uid, &m->gid)) {
		fputs("; groups: ", out);
		print_extents(out, &m->gid);
	}
	fputc('\n', out);
}

static int report_text(const struct report_options *opts, const struct unpack_told *t,
		       struct error *err)
{
	_cleanup_(buf_freep) struct buf range = { 0 };
	FILE *out = opts->out;
	char size[16];

	if (print_range(&range, t->use) < 0)
		return err_nomem(err);
	print_size(size, t->counts->bytes);
	print_told(out, t->image);
	fputs(" -> ", out);
	print_told(out, t->dir);
	print_styled(opts, STYLE_GOOD, ": unpacked");
	fprintf(out, ", %" PRIu64 " %s of %zu %s, %s\n", t->counts->entries,
		plural(t->counts->entries, "entry", "entries"), t->source->layer_count,
		plural(t->source->layer_count, "layer", "layers"), size);
	if (opts->quiet)
		return print_check(out, err);
	print_owners(out, t, buf_str(&range));
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++) {
		uint64_t n = count_of(t->counts, left_out[i].offset);

		if (n)
			fprintf(out, "  %" PRIu64 " %s\n", n,
				plural(n, left_out[i].one, left_out[i].many));
	}
	for (size_t i = 0; i < notes_count(t->notes); i++) {
		fputs("  note: ", out);
		print_told(out, notes_get(t->notes, i));
		fputc('\n', out);
	}
	return print_check(out, err);
}

int unpack_report(const struct report_options *opts, const struct unpack_told *told,
		  struct error *err)
{
	return opts->format == REPORT_JSON ? report_json(opts, told, err)
					   : report_text(opts, told, err);
}
