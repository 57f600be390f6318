#include "report/maintainer.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "explain/explain.h"
#include "report/check-text.h"
#include "report/fold-text.h"
#include "report/print.h"
#include "report/words.h"

#define LAYERS_SHOWN   8
#define OWNERS_SHOWN   8
#define MESSAGES_SHOWN 2 /* of a target, the newest */
#define CODE_SHOWN     200
#define HOST_FIRST     100000 /* what useradd gives, so that nobody's own host stands in the text */
#define THE_IMAGE      "the image"
#define NAME_UNKNOWN   "IMAGE"

struct letter {
	const struct report_options *opts;
	FILE *out;
	struct check *c;
	struct summary s;
	const char *name;
};

/* What an image says, as code: nothing in it is markup, and no @name calls anybody. text is escaped
 * already. */
static void code(FILE *out, const char *text)
{
	size_t longest = 0, run = 0;
	bool edge = text[0] == '`' || (text[0] && text[strlen(text) - 1] == '`');

	for (const char *p = text; *p; p++) {
		run = *p == '`' ? run + 1 : 0;
		longest = MAX(longest, run);
	}
	for (size_t i = 0; i <= longest; i++)
		fputc('`', out);
	fprintf(out, "%s%s%s", edge ? " " : "", text, edge ? " " : "");
	for (size_t i = 0; i <= longest; i++)
		fputc('`', out);
}

static int code_bytes(FILE *out, const char *text, struct error *err)
{
	_cleanup_(buf_freep) struct buf shown = { 0 };

	if (text_escape(&shown, text, strnlen(text, CODE_SHOWN)) < 0)
		return err_nomem(err);
	code(out, buf_str(&shown));
	return 0;
}

static int image_name(struct letter *l, struct error *err)
{
	if (l->name)
		return code_bytes(l->out, l->name, err);
	fputs(THE_IMAGE, l->out);
	return 0;
}

static bool fails(const struct check_target *t)
{
	return !t->fits && !t->unknown;
}

static int title(struct letter *l, FILE *out, struct error *err)
{
	_cleanup_(buf_freep) struct buf range = { 0 };
	const char *sep = "";

	for (size_t i = 0; i < l->c->target_count; i++) {
		_cleanup_(buf_freep) struct buf one = { 0 };

		if (!fails(&l->c->targets[i]))
			continue;
		if (print_range(&one, l->c->targets[i].use) < 0)
			return err_nomem(err);
		if (strstr(buf_str(&range), buf_str(&one)))
			continue;
		if (buf_printf(&range, "%s%s", sep, buf_str(&one)) < 0)
			return err_nomem(err);
		sep = "; ";
	}
	fprintf(out, "The image does not fit a user namespace with the ids %s", buf_str(&range));
	return 0;
}

static int what(struct letter *l, struct error *err)
{
	const struct summary *s = &l->s;
	const char *sep = "";
	int r;

	fputs("## What is wrong\n\n", l->out);
	r = image_name(l, err);
	if (r < 0)
		return r;
	if (s->entries)
		fprintf(l->out, " holds %" PRIu64 " %s in %zu %s whose owner or ACL does not fit%s",
			s->entries, plural(s->entries, "entry", "entries"), s->layers_hit,
			plural(s->layers_hit, "layer", "layers"),
			s->user_outside ? ", and " : ". ");
	if (s->user_outside)
		fprintf(l->out, "%sruns as a user or group that does not fit. ",
			s->entries ? "it " : " ");
	if (!s->entries && !s->user_outside)
		fputs(" names accounts that do not fit. ", l->out);
	fputs("An engine that runs containers in a user namespace gives an id of the host to each "
	      "id "
	      "inside its range, and has none for the others: ",
	      l->out);
	for (size_t i = 0; i < l->c->target_count; i++) {
		_cleanup_(buf_freep) struct buf range = { 0 }, verdict = { 0 };
		const struct check_target *t = &l->c->targets[i];

		if (!fails(t))
			continue;
		if (print_range(&range, t->use) < 0 || words_verdict(&verdict, t) < 0)
			return err_nomem(err);
		fprintf(l->out, "%s%s (%s): %s", sep, t->use->target->title, buf_str(&range),
			buf_str(&verdict));
		sep = "; ";
	}
	fputs(".\n\n", l->out);
	return 0;
}

static bool told_before(const struct check *c, size_t target, const char *line)
{
	for (size_t i = 0; i < target; i++)
		for (size_t k = 0; k < c->targets[i].error_count; k++)
			if (strcmp(c->targets[i].errors[k].line, line) == 0)
				return true;
	return false;
}

static void messages(struct letter *l)
{
	bool any = false;

	for (size_t i = 0; i < l->c->target_count; i++) {
		const struct check_target *t = &l->c->targets[i];

		/* The rows stand from old to new. */
		for (size_t k = t->error_count - MIN(t->error_count, (size_t)MESSAGES_SHOWN);
		     k < t->error_count; k++) {
			if (told_before(l->c, i, t->errors[k].line))
				continue;
			if (!any)
				fputs("## The engine's message\n", l->out);
			any = true;
			fprintf(l->out, "\n%s (%s):\n\n    %s\n", t->use->target->title,
				t->errors[k].message->when, t->errors[k].line);
		}
	}
	fputs(any ? "\n" : "", l->out);
}

/* Steps are cut like names: whoever made the image knows them. */
static int layer_line(struct letter *l, size_t i, struct error *err)
{
	const struct image_layer *layer = &l->c->image->layers[i];
	_cleanup_(buf_freep) struct buf step = { 0 };
	const struct oci_digest *digest = layer_digest(layer);

	if (print_step(&step, layer->created_by, CODE_SHOWN) < 0)
		return err_nomem(err);
	fprintf(l->out, "Layer %zu", i);
	if (digest->text[0])
		fprintf(l->out, " (`%s`)", digest->text);
	if (step.len) {
		fputs(", made by ", l->out);
		code(l->out, buf_str(&step));
	}
	fputs(":\n\n", l->out);
	return 0;
}

static int where(struct letter *l, struct error *err)
{
	size_t shown = 0;
	int r = 0;

	fputs("## Where\n\n", l->out);
	for (size_t i = 0; i < l->s.config_count; i++) {
		fputs("- ", l->out);
		code(l->out, buf_str(&l->s.config[i]));
		fputc('\n', l->out);
	}
	fputs(l->s.config_count ? "\n" : "", l->out);
	for (size_t i = 0; i < l->s.layer_count && r >= 0; i++) {
		if (!l->s.layers[i] || shown++ >= LAYERS_SHOWN)
			continue;
		r = layer_line(l, i, err);
		if (r >= 0)
			r = fold_text(l->opts, l->c, l->s.layers[i], "    ", err);
		fputc('\n', l->out);
	}
	if (shown > LAYERS_SHOWN)
		fprintf(l->out, "... and %zu more layers.\n\n", shown - LAYERS_SHOWN);
	return r;
}

/* True where a group before it has the same owner. */
static bool owner_told(const struct summary *s, size_t layer, size_t group)
{
	const struct fold_key *key = &s->layers[layer]->groups[group].key;

	for (size_t i = 0; i <= layer; i++)
		for (size_t k = 0; s->layers[i] && k < (i < layer ? s->layers[i]->count : group);
		     k++)
			if (s->layers[i]->groups[k].key.uid == key->uid &&
			    s->layers[i]->groups[k].key.gid == key->gid)
				return true;
	return false;
}

static void known_owners(struct letter *l)
{
	const struct summary *s = &l->s;
	size_t shown = 0;

	for (size_t i = 0; i < s->layer_count; i++)
		for (size_t k = 0; s->layers[i] && k < s->layers[i]->count; k++) {
			const struct fold_key *key = &s->layers[i]->groups[k].key;
			struct explain_known known;

			if (!words_rule_is_owner(key->rule) || owner_told(s, i, k) ||
			    shown == OWNERS_SHOWN ||
			    !explain_known_owner(key->uid, key->gid, &known))
				continue;
			shown++;
			fprintf(l->out, "Owner %" PRId64 ":%" PRId64 " is known: %s%s%s", key->uid,
				key->gid, known.package, known.version[0] ? " " : "",
				known.version);
			fprintf(l->out, "%s%s%s%s.\n\n", known.why[0] ? "; " : "", known.why,
				known.mend[0] ? ". What helps: " : "", known.mend);
		}
}

static void later(struct letter *l)
{
	const struct summary *s = &l->s;

	if (!s->owners)
		return;
	fputs("## Why a later chown does not help\n\nEngines extract every layer as it is, one "
	      "after "
	      "the other. A `chown` or `rm` in a later step adds a layer; the earlier one still "
	      "holds the entries with their owners, and is extracted first.",
	      l->out);
	if (s->hidden_by >= 0)
		fprintf(l->out,
			" Here layer %ld %s %s of layer %ld, and the image does not fit "
			"all the same.",
			s->hidden_by, s->hidden_removes ? "removes" : "replaces",
			plural(s->removed + s->replaced, "an entry", "entries"), s->hidden_layer);
	fputs("\n\n", l->out);
}

static int mend_steps(struct letter *l, struct error *err)
{
	size_t shown = 0;

	for (size_t i = 0; i < l->s.layer_count; i++) {
		_cleanup_(buf_freep) struct buf words = { 0 }, step = { 0 };

		if (!l->s.layers[i])
			continue;
		if (check_advice_step(&words, l->c, &l->s, i) < 0 ||
		    print_step(&step, l->c->image->layers[i].created_by, CODE_SHOWN) < 0)
			return err_nomem(err);
		if (!words.len || shown++ >= LAYERS_SHOWN)
			continue;
		fputs("- ", l->out);
		if (step.len)
			code(l->out, buf_str(&step));
		else
			fprintf(l->out, "layer %zu", i);
		fprintf(l->out, ": %s\n", buf_str(&words));
	}
	return 0;
}

static int mend(struct letter *l, struct error *err)
{
	const struct check_user *u = &l->c->user;
	int r;

	fputs("## What mends it\n\nAn owner inside the range, in the very step that makes the "
	      "entries:\n\n",
	      l->out);
	r = mend_steps(l, err);
	for (size_t i = 0; i < l->c->cause_count && i < LAYERS_SHOWN && r >= 0; i++) {
		fputs("- an id inside the range for USER ", l->out);
		r = code_bytes(l->out, l->c->causes[i].user, err);
		fputs(": the entries that its steps make follow\n", l->out);
	}
	if (r >= 0 && l->s.user_outside) {
		fputs("- a USER inside the range, groups too", l->out);
		if (u->user.text && u->user.text[0]) {
			fputs("; it is now ", l->out);
			r = code_bytes(l->out, u->user.text, err);
		}
		fputc('\n', l->out);
	}
	if (l->s.accounts)
		fputs("- accounts (passwd, group) with ids inside the range\n", l->out);
	if (l->s.acl)
		fprintf(l->out, "- %s\n", check_advice_acl);
	if (l->s.sparse_log)
		fprintf(l->out, "- %s\n", check_advice_log);
	fputs("\nWhere a step is not yours to change: `uidfit fix SRC DEST` rewrites the owners "
	      "inside "
	      "the layers of a finished image, and nothing else of it.\n\n",
	      l->out);
	return r;
}

/* A word for a shell as it stands; an image may be called $(...). */
static bool is_word(const char *s)
{
	for (const char *p = s; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:@+-",
			    *p))
			return false;
	return s[0] && s[0] != '-';
}

static const char *command_name(const struct letter *l)
{
	return l->name && is_word(l->name) ? l->name : NAME_UNKNOWN;
}

/* Ids from 0 on without a hole, the same for users and groups: what docker can be given. */
static uint64_t docker_size(const struct target_use *use)
{
	uint64_t size[2] = { 0, 0 };

	for (int gid = 0; gid < 2; gid++) {
		const struct idmap *m = gid ? &use->map.gid : &use->map.uid;

		for (size_t i = 0; i < m->count; i++) {
			if (m->extents[i].container != size[gid])
				return 0;
			size[gid] += m->extents[i].count;
		}
	}
	return size[0] == size[1] ? size[0] : 0;
}

static int uidfit_lines(struct letter *l, struct error *err)
{
	for (size_t i = 0; i < l->c->target_count; i++) {
		_cleanup_(buf_freep) struct buf uid = { 0 }, gid = { 0 };
		const struct target_use *use = l->c->targets[i].use;

		if (!fails(&l->c->targets[i]))
			continue;
		if (idmap_print_ranges(&use->map.uid, &uid) < 0 ||
		    idmap_print_ranges(&use->map.gid, &gid) < 0)
			return err_nomem(err);
		fprintf(l->out, "    docker save %s | uidfit check --for %s", command_name(l),
			use->name);
		if (use->map_given && strcmp(buf_str(&uid), buf_str(&gid)) == 0)
			fprintf(l->out, " --map %s", buf_str(&uid));
		else if (use->map_given)
			fprintf(l->out, " --uidmap %s --gidmap %s", buf_str(&uid), buf_str(&gid));
		fputs(" -\n", l->out);
	}
	return 0;
}

static int reproduce(struct letter *l, struct error *err)
{
	uint64_t size = 0;
	int r;

	fputs("## How to reproduce it\n\nWith uidfit, which reads the layers and starts nothing:"
	      "\n\n",
	      l->out);
	r = uidfit_lines(l, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l->c->target_count && !size; i++)
		if (fails(&l->c->targets[i]))
			size = docker_size(l->c->targets[i].use);
	if (!size || size > UINT32_MAX - HOST_FIRST) {
		fputs("\nDocker cannot be given this range: it takes ids from 0 on without a "
		      "hole.\n\n",
		      l->out);
		return 0;
	}
	fprintf(l->out,
		"\nWith Docker alone, on a machine for tests (as root; images that are there are "
		"hidden until it is undone):\n\n"
		"    useradd --system --no-create-home dockremap\n"
		"    echo dockremap:%d:%" PRIu64 " | tee -a /etc/subuid /etc/subgid\n"
		"    echo '{\"userns-remap\": \"dockremap\"}' > /etc/docker/daemon.json\n"
		"    systemctl restart docker\n",
		HOST_FIRST, size);
	fprintf(l->out, "    docker pull %s\n", command_name(l));
	fprintf(l->out, "    docker run --rm %s id\n\n", command_name(l));
	return 0;
}

static int versions(struct letter *l, struct error *err)
{
	const struct source_image *s = l->c->image->source;
	char platform[100];
	int r;

	platform_print(&s->platform, platform);
	fputs("## Versions\n\n- image: ", l->out);
	r = image_name(l, err);
	if (s->digest.text[0])
		fprintf(l->out, ", `%s`", s->digest.text);
	if (platform[0])
		fprintf(l->out, ", %s", platform);
	fprintf(l->out, ", %zu %s\n- uidfit %s\n", l->c->image->layer_count,
		plural(l->c->image->layer_count, "layer", "layers"), UIDFIT_VERSION);
	return r;
}

static int letter(struct letter *l, struct error *err)
{
	int r;

	fputs("# ", l->out);
	r = title(l, l->out, err);
	fputs("\n\n", l->out);
	if (r >= 0)
		r = what(l, err);
	if (r < 0)
		return r;
	messages(l);
	r = where(l, err);
	if (r < 0)
		return r;
	known_owners(l);
	later(l);
	r = mend(l, err);
	if (r >= 0)
		r = reproduce(l, err);
	return r < 0 ? r : versions(l, err);
}

static int fits(struct letter *l, struct error *err)
{
	int r = image_name(l, err);

	fputs(" fits: nothing to report.\n", l->out);
	return r;
}

static int write_letter(const struct report_options *opts, const struct maintainer_told *told,
			FILE *out, struct error *err)
{
	struct report_options own = *opts;
	struct letter l = { .opts = &own, .out = out, .c = told->check, .name = told->name };
	int r = summary_make(&l.s, told->check, err);

	own.out = out;
	own.color = false;
	if (r < 0)
		return r;
	r = told->check->fits ? fits(&l, err) : letter(&l, err);
	summary_free(&l.s);
	return r < 0 ? r : print_check(out, err);
}

static int json(const struct report_options *opts, const struct maintainer_told *told,
		struct error *err)
{
	struct jsonw w = { .out = opts->out };
	char *text = NULL;
	size_t n = 0;
	FILE *memory = open_memstream(&text, &n);
	int r = memory ? write_letter(opts, told, memory, err) : err_nomem(err);

	if (memory && fclose(memory) != 0 && r >= 0)
		r = err_nomem(err);
	if (r >= 0) {
		jsonw_open(&w, NULL, '{');
		jsonw_str(&w, "schema", "uidfit/report/1");
		jsonw_str(&w, "image", told->name);
		jsonw_str(&w, "digest",
			  told->check->image->source->digest.text[0]
				  ? told->check->image->source->digest.text
				  : NULL);
		jsonw_bool(&w, "fits", told->check->fits);
		jsonw_text(&w, "markdown", text, n);
		jsonw_close(&w);
		fputc('\n', opts->out);
	}
	free(text);
	return r;
}

int maintainer_report(const struct report_options *opts, const struct maintainer_told *told,
		      struct error *err)
{
	int r = opts->format == REPORT_JSON ? json(opts, told, err)
					    : write_letter(opts, told, opts->out, err);

	fflush(opts->out);
	return r < 0 ? r : print_check(opts->out, err);
}

int maintainer_report_failed(const struct report_options *opts, const struct error *why,
			     struct error *err)
{
	struct jsonw w = { .out = opts->out };

	if (opts->format != REPORT_JSON)
		return 0;
	jsonw_open(&w, NULL, '{');
	jsonw_str(&w, "schema", "uidfit/report/1");
	jsonw_error(&w, why);
	jsonw_close(&w);
	fputc('\n', opts->out);
	return print_check(opts->out, err);
}
