#include "sink/internal.h"

#include <string.h>

#include "base/macro.h"
#include "base/text.h"

static const struct {
	const struct layout *layout;
	bool directory;
} transports[] = {
	[TRANSPORT_STDIN] = { &layout_docker, false },
	[TRANSPORT_DOCKER_ARCHIVE] = { &layout_docker, false },
	[TRANSPORT_OCI] = { &layout_oci, true },
	[TRANSPORT_OCI_ARCHIVE] = { &layout_oci, false },
	[TRANSPORT_DIR] = { &layout_dir, true },
	[TRANSPORT_DOCKER] = { &layout_registry, false },
	[TRANSPORT_DOCKER_DAEMON] = { &layout_docker, false },
	[TRANSPORT_CONTAINERS_STORAGE] = { &layout_docker, false },
};

static int check_ref(const struct ref *ref, struct error *err)
{
	char shown[200];

	if (ref->transport >= ARRAY_SIZE(transports) || !transports[ref->transport].layout)
		return err_fail(err, ERR_USAGE, 0,
				"'%s' is nowhere to write to: docker-archive:FILE, oci:DIR, "
				"oci-archive:FILE, dir:DIR, docker://NAME, docker-daemon:NAME, "
				"containers-storage:NAME, or - for a docker-archive on "
				"standard output",
				err_text(shown, sizeof(shown), ref->path, strlen(ref->path)));
	if (ref->index >= 0)
		return err_fail(err, ERR_USAGE, 0, "a destination has no image @%ld", ref->index);
	if (ref->name && (transports[ref->transport].layout->docker
				  ? !docker_name_ok(ref->name)
				  : !text_is_utf8(ref->name, strlen(ref->name))))
		return err_fail(err, ERR_USAGE, 0, "'%s' is no image name",
				err_text(shown, sizeof(shown), ref->name, strlen(ref->name)));
	return 0;
}

static int open_out(struct sink *s, const struct ref *ref, const struct sink_options *opts,
		    struct error *err)
{
	if (ref->transport == TRANSPORT_DOCKER) {
		struct registry_options own = registry_options_default(opts->limits, opts->notes);

		return out_registry_open(&s->out, ref->path, opts->replace,
					 opts->registry ? opts->registry : &own, opts->from, err);
	}
	if (ref->transport == TRANSPORT_DOCKER_DAEMON ||
	    ref->transport == TRANSPORT_CONTAINERS_STORAGE) {
		s->engine = s->spools = true;
		return out_engine_open(&s->out, ref, opts->limits, opts->notes, opts->replace,
				       &s->name, &s->no_zstd, err);
	}
	if (transports[ref->transport].directory)
		return out_dir_open(&s->out, ref->path, opts->replace, err);
	if (strcmp(ref->path, "-") != 0 && strcmp(ref->path, "/dev/stdout") != 0)
		return out_archive_open(&s->out, ref->path, opts->replace, err);
	s->spools = true;
	return out_pipe_open(&s->out, opts->stdout_fd, "standard output", opts->notes, err);
}

/* docker means app:latest by app. */
static int keep_name(struct sink *s, const char *name, struct error *err)
{
	const char *slash = strrchr(name, '/');
	struct buf b = { 0 };
	int r = buf_append_str(&b, name);

	if (r == 0 && s->layout->docker && !strchr(slash ? slash : name, ':'))
		r = buf_append_str(&b, ":latest");
	if (r < 0)
		return err_nomem(err);
	s->name = (char *)b.data;
	return 0;
}

int sink_open(struct sink **out, const struct ref *ref, const struct sink_options *opts,
	      struct error *err)
{
	_cleanup_(sink_closep) struct sink *s = NULL;
	int r = check_ref(ref, err);

	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_nomem(err);
	s->layout = transports[ref->transport].layout;
	s->limits = opts->limits;
	s->notes = opts->notes;
	s->repositories = opts->repositories;
	s->manifests = json_array();
	s->docker_manifest = json_array();
	s->docker_repositories = json_object();
	if (!s->manifests || !s->docker_manifest || !s->docker_repositories)
		return err_nomem(err);
	if (ref->name)
		r = keep_name(s, ref->name, err);
	if (r == 0)
		r = open_out(s, ref, opts, err);
	if (r == 0)
		*out = STEAL(s);
	return r;
}

void sink_close(struct sink *s)
{
	if (!s)
		return;
	if (s->out)
		s->out->ops->close(s->out);
	digest_free(s->digest);
	json_decref(s->manifests);
	json_decref(s->docker_manifest);
	json_decref(s->docker_repositories);
	buf_free(&s->root);
	free(s->kept);
	free(s->name);
	free(s->no_zstd);
	free(s);
}

const char *sink_refuses(const struct sink *s, enum codec codec)
{
	return codec == CODEC_ZSTD ? s->no_zstd : NULL;
}

void sink_set_repositories(struct sink *s, bool on)
{
	s->repositories = on;
}

bool sink_spools(const struct sink *s)
{
	return s->spools;
}

bool sink_is_usable(const struct sink *s)
{
	return !s->dead;
}

bool sink_watch(struct sink *s, struct progress *progress, size_t line)
{
	if (!s->out->ops->watch)
		return false;
	s->out->ops->watch(s->out, progress, line);
	return true;
}

int sink_ready(const struct sink *s, struct error *err)
{
	if (s->dead || s->committed)
		return err_fail(err, ERR_SEQUENCE, 0, "a destination that %s takes nothing more",
				s->dead ? "has failed" : "is whole");
	if (s->open)
		return err_fail(err, ERR_SEQUENCE, 0, "a layer is being written");
	return 0;
}

int sink_result(struct sink *s, int r)
{
	if (r < 0)
		s->dead = true;
	return r;
}

/* Where the digest is, or belongs. */
static size_t place_of(const struct sink *s, const char *digest, bool document)
{
	size_t lo = 0, hi = s->kept_count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = strcmp(s->kept[mid].digest, digest);

		if (d == 0)
			d = s->kept[mid].document - document;
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Under one name a document and a blob are one. */
static bool is_kept(const struct sink *s, const char *digest, bool document)
{
	size_t i;

	if (s->layout->document_name == s->layout->blob_name)
		document = false;
	i = place_of(s, digest, document);
	return i < s->kept_count && strcmp(s->kept[i].digest, digest) == 0 &&
	       s->kept[i].document == document;
}

static int keep(struct sink *s, const char *digest, bool document, struct error *err)
{
	size_t i;

	if (s->layout->document_name == s->layout->blob_name)
		document = false;
	i = place_of(s, digest, document);
	if (s->kept_count == s->kept_cap) {
		size_t cap = s->kept_cap ? 2 * s->kept_cap : 32;
		struct kept *more = reallocarray(s->kept, cap, sizeof(*more));

		if (!more)
			return err_nomem(err);
		s->kept = more;
		s->kept_cap = cap;
	}
	memmove(&s->kept[i + 1], &s->kept[i], (s->kept_count - i) * sizeof(*s->kept));
	s->kept_count++;
	s->kept[i] = (struct kept){ .document = document };
	strcpy(s->kept[i].digest, digest);
	return 0;
}

bool sink_has_blob(const struct sink *s, const struct oci_digest *digest)
{
	return is_kept(s, digest->text, false);
}

int sink_blob_begin(struct sink *s, struct error *err)
{
	int r = sink_ready(s, err);

	if (r < 0)
		return r;
	r = digest_new(&s->digest, DIGEST_SHA256, err);
	if (r == 0)
		r = s->out->ops->begin(s->out, NULL, OUT_SIZE_UNKNOWN, err);
	s->open = r == 0;
	s->size = 0;
	return sink_result(s, r);
}

int sink_blob_write(void *sink, const void *bytes, size_t n, struct error *err)
{
	struct sink *s = sink;
	int r;

	if (!s->open || s->dead)
		return err_fail(err, ERR_SEQUENCE, 0, "bytes for no layer");
	r = digest_update(s->digest, bytes, n, err);
	if (r == 0)
		r = s->out->ops->write(s->out, bytes, n, err);
	s->size += n;
	return sink_result(s, r);
}

static int end_blob(struct sink *s, struct oci_digest *digest, struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1], name[OUT_NAME_MAX];
	int r = digest_final_hex(s->digest, hex, err);

	digest_free(STEAL(s->digest));
	s->open = false;
	if (r < 0)
		return r;
	*digest = (struct oci_digest){ .algo = DIGEST_SHA256 };
	memcpy(digest->text, "sha256:", 7);
	memcpy(digest->text + 7, hex, strlen(hex) + 1);
	if (is_kept(s, digest->text, false))
		return s->out->ops->drop(s->out, err);
	s->layout->blob_name(name, digest);
	r = s->out->ops->end(s->out, name, err);
	return r < 0 ? r : keep(s, digest->text, false, err);
}

int sink_blob_finish(struct sink *s, struct oci_digest *digest, uint64_t *size, struct error *err)
{
	struct oci_digest own;
	int r;

	if (!s->open || s->dead)
		return err_fail(err, ERR_SEQUENCE, 0, "the end of no layer");
	if (size)
		*size = s->size;
	r = end_blob(s, &own, err);
	if (r == 0 && digest)
		*digest = own;
	return sink_result(s, r);
}

/* Hands the blocks on. size is what was read. */
static int copy_bytes(struct sink *s, struct stream *from, struct digest *sum, uint64_t max,
		      uint64_t *size, struct error *err)
{
	for (*size = 0;;) {
		_cleanup_(block_unrefp) struct block *b = NULL;
		int r = stream_next(from, &b, err);

		if (r)
			return MIN(r, 0);
		*size += b->len;
		if (*size > max)
			return 0;
		r = digest_update(sum, b->data, b->len, err);
		if (r == 0)
			r = s->out->ops->write(s->out, b->data, b->len, err);
		if (r < 0)
			return r;
	}
}

static int copy_known(struct sink *s, struct stream *from, const struct oci_digest *digest,
		      uint64_t size, struct error *err)
{
	_cleanup_(digest_freep) struct digest *sum = NULL;
	char hex[DIGEST_HEX_MAX + 1], name[OUT_NAME_MAX];
	uint64_t got;
	int r = digest_new(&sum, digest->algo, err);

	if (r < 0)
		return r;
	s->layout->blob_name(name, digest);
	r = s->out->ops->begin(s->out, name, size, err);
	if (r == 0)
		r = copy_bytes(s, from, sum, size, &got, err);
	if (r < 0)
		return r;
	if (got != size)
		return err_fail(err, ERR_DIGEST, 0, "layer %s has %s bytes than it should",
				digest->text, got > size ? "more" : "fewer");
	r = digest_final_hex(sum, hex, err);
	if (r == 0 && strcmp(hex, oci_digest_hex(digest)) != 0)
		r = err_fail(err, ERR_DIGEST, 0, "layer %s: its bytes have the digest %s",
			     digest->text, hex);
	return r < 0 ? r : s->out->ops->end(s->out, name, err);
}

int sink_blob_take(struct sink *s, const struct oci_digest *digest, struct error *err)
{
	char name[OUT_NAME_MAX];
	int r = sink_ready(s, err);

	if (r < 0 || sink_has_blob(s, digest))
		return r;
	if (!s->out->ops->take)
		return 1;
	s->layout->blob_name(name, digest);
	r = s->out->ops->take(s->out, name, err);
	if (r == 0)
		r = keep(s, digest->text, false, err);
	return sink_result(s, r);
}

int sink_blob_copy(struct sink *s, struct stream *from, const struct oci_digest *digest,
		   uint64_t size, struct error *err)
{
	int r = sink_ready(s, err);

	if (r < 0 || sink_has_blob(s, digest))
		return r;
	r = copy_known(s, from, digest, size, err);
	if (r == 0)
		r = keep(s, digest->text, false, err);
	if (digest->algo == DIGEST_SHA512)
		s->sha512 = true;
	/* A registry has nothing of what broke. */
	if (r == -ERR_NET && s->out->ops->take && s->out->ops->drop(s->out, NULL) == 0)
		return r;
	return sink_result(s, r);
}

int sink_file(struct sink *s, const char *name, const void *bytes, size_t n, struct error *err)
{
	int r = s->out->ops->begin(s->out, name, n, err);

	if (r == 0)
		r = s->out->ops->write(s->out, bytes, n, err);
	return r < 0 ? r : s->out->ops->end(s->out, name, err);
}

int sink_file_json(struct sink *s, const char *name, json_t *json, struct error *err)
{
	_cleanup_(freep) char *text = json_dumps(json, JSON_COMPACT);

	return text ? sink_file(s, name, text, strlen(text), err) : err_nomem(err);
}

int sink_put(struct sink *s, const void *bytes, size_t n, bool document, struct oci_digest *digest,
	     struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1], name[OUT_NAME_MAX];
	int r = digest_hex(DIGEST_SHA256, bytes, n, hex, err);

	if (r < 0)
		return r;
	*digest = (struct oci_digest){ .algo = DIGEST_SHA256 };
	memcpy(digest->text, "sha256:", 7);
	memcpy(digest->text + 7, hex, strlen(hex) + 1);
	if (is_kept(s, digest->text, document))
		return 0;
	if (document)
		s->layout->document_name(name, digest);
	else
		s->layout->blob_name(name, digest);
	r = sink_file(s, name, bytes, n, err);
	return r < 0 ? r : keep(s, digest->text, document, err);
}

int sink_put_json(struct sink *s, const void *bytes, size_t n, struct oci_digest *digest,
		  struct error *err)
{
	struct oci_digest own;
	int r = sink_ready(s, err);

	if (r < 0)
		return r;
	r = sink_put(s, bytes, n, false, &own, err);
	if (r == 0 && digest)
		*digest = own;
	return sink_result(s, r);
}

int sink_commit(struct sink *s, struct error *err)
{
	int r = sink_ready(s, err);

	if (r < 0)
		return r;
	if (!s->listed && !s->root.len)
		return err_fail(err, ERR_SEQUENCE, 0, "a destination without an image");
	if (s->layout->commit)
		r = s->layout->commit(s, err);
	if (r == 0)
		r = s->out->ops->commit(s->out, err);
	s->committed = r == 0;
	return sink_result(s, r);
}
