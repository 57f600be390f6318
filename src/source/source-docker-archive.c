/* docker-archive: what `docker save`, podman and skopeo write: manifest.json, a config a member, a
 * layer a member, by names that only manifest.json gives. Docker 25 and later put an OCI layout
 * (index.json, blobs/sha256) into the same archive; manifest.json names its blobs. Until then each
 * layer lay in <id>/layer.tar, a repeated one as a link to the first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/familiar.h"
#include "source/internal.h"

int docker_archive_open(struct source *s, struct error *err)
{
	s->read_images = docker_archive_images;
	return archive_store_open(s, err);
}

bool source_has_repositories(const struct source *s)
{
	return s->store && s->transport == TRANSPORT_DOCKER_ARCHIVE &&
	       store_has(s->store, "repositories");
}

/* blobs/sha256/HEX and HEX.json, HEX.tar name their content; <id>/layer.tar does not. */
static bool digest_of_name(const char *name, bool content_only, struct oci_digest *out)
{
	static const char blobs[] = "blobs/sha256/";
	bool is_blob = strncmp(name, blobs, strlen(blobs)) == 0;
	const char *hex = is_blob ? name + strlen(blobs) : name;
	size_t n = strspn(hex, "0123456789abcdef");
	struct error ignored;
	char text[80];

	if (n != 64 || (is_blob ? hex[n] != '\0' : content_only || strcmp(hex + n, ".json") != 0))
		return false;
	snprintf(text, sizeof(text), "sha256:%.64s", hex);
	return oci_digest_parse(out, text, &ignored) == 0;
}

/* The image's digest is its config's. In blobs/ the name must hold; in the old layout docker looks
 * at the bytes alone. */
static int config_digest(struct source *s, const char *name, const uint8_t *data, size_t len,
			 struct oci_digest *out, struct error *err)
{
	char hex[DIGEST_HEX_MAX + 1];
	struct oci_digest said;
	int r;

	r = digest_hex(DIGEST_SHA256, data, len, hex, err);
	if (r < 0)
		return r;
	*out = (struct oci_digest){ .algo = DIGEST_SHA256 };
	snprintf(out->text, sizeof(out->text), "sha256:%s", hex);
	if (!digest_of_name(name, false, &said) || strcmp(said.text, out->text) == 0)
		return 0;
	if (digest_of_name(name, true, &said))
		return err_fail(err, ERR_DIGEST, 0, "config %s: its bytes have the digest %s", name,
				hex);
	notes_add(s->notes, "config %s has the digest %s: docker does not mind", name, hex);
	return 0;
}

static int make_layer(struct source *s, struct source_layer *out, const char *member,
		      const struct oci_digest *diff_id, struct error *err)
{
	struct stored found;
	struct error ignored;
	bool there = s->store->ops->find(s->store, member, &found, &ignored) == 0;

	out->blob = strdup(there ? found.name : member);
	out->media_type = strdup("");
	if (!out->blob || !out->media_type)
		return err_nomem(err);
	out->size = there ? found.size : SOURCE_SIZE_UNKNOWN;
	out->diff_id = *diff_id;
	if (!digest_of_name(out->blob, true, &out->digest))
		out->digest = (struct oci_digest){ 0 };
	return 0;
}

static int make_layers(struct source *s, struct source_image *img,
		       const struct docker_archive_image *d, struct error *err)
{
	int r = 0;

	if (d->layer_count != img->config.diff_id_count)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"manifest.json names %zu layers, the config %zu diff_ids",
				d->layer_count, img->config.diff_id_count);
	img->layers = calloc(d->layer_count + 1, sizeof(*img->layers));
	if (!img->layers)
		return err_nomem(err);
	img->layer_count = d->layer_count;
	for (size_t i = 0; r == 0 && i < d->layer_count; i++)
		r = make_layer(s, &img->layers[i], d->layers[i], &img->config.diff_ids[i], err);
	return r;
}

static int read_config(struct source *s, struct source_image *img,
		       const struct docker_archive_image *d, struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	char label[200], name[150];
	size_t len;
	int r;

	snprintf(label, sizeof(label), "config %s",
		 err_text(name, sizeof(name), d->config, strlen(d->config)));
	r = store_read(s->store, d->config, label, s->limits, &data, &len, err);
	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "%s is not in %s", label, s->path);
	if (r == 0)
		r = config_digest(s, d->config, data, len, &img->digest, err);
	if (r < 0)
		return r;
	r = oci_config_parse(&img->config, data, len, s->limits, err);
	if (r < 0)
		return err_wrap(err, "%s", label);
	img->has_config = true;
	img->platform = img->config.platform;
	img->config_bytes = STEAL(data);
	img->config_len = len;
	return 0;
}

void source_note_platform(struct source *s, const struct source_image *img)
{
	char is[100], want[100], safe[200], name[200];

	platform_print(&img->platform, is);
	platform_print(&s->platform, want);
	if (is[0] && !platform_matches(&img->platform, &s->platform))
		notes_add(s->notes, "%s is for %s, not %s%s",
			  err_text(name, sizeof(name), img->name, strlen(img->name)),
			  err_text(safe, sizeof(safe), is, strlen(is)), want,
			  s->platform_asked ? ": skipped" : "");
}

/* suffix: what tells it from the archive's other images, or NULL. */
static int add(struct source *s, const struct docker_archive_image *d, char *name,
	       struct error *err)
{
	struct source_image img = { .name = name };
	int r = name ? read_config(s, &img, d, err) : err_nomem(err);

	if (r == 0)
		r = make_layers(s, &img, d, err);
	for (size_t i = 0; r == 0 && i < d->repo_tag_count; i++)
		if (!s->ref_name || familiar_equal(s->ref_name, d->repo_tags[i]))
			r = source_image_name(&img, d->repo_tags[i], err);
	if (r < 0 && name) {
		char text[200];

		err_wrap(err, "%s", err_text(text, sizeof(text), name, strlen(name)));
	}
	if (r == 0 && !s->all_platforms)
		source_note_platform(s, &img);
	if (r == 0 && (!s->platform_asked || s->all_platforms ||
		       platform_matches(&img.platform, &s->platform)))
		r = source_add_image(s, &img, err);
	source_image_done(&img);
	return r;
}

/* The tag that was asked for, else the first. */
static const char *tag_of(const struct source *s, const struct docker_archive_image *d)
{
	for (size_t i = 0; s->ref_name && i < d->repo_tag_count; i++)
		if (familiar_equal(s->ref_name, d->repo_tags[i]))
			return d->repo_tags[i];
	return !s->ref_name && d->repo_tag_count ? d->repo_tags[0] : NULL;
}

static int no_such_tag(const struct source *s, const struct docker_archive_image *v, size_t count,
		       struct error *err)
{
	char tags[300] = "", name[100];
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < v[i].repo_tag_count && used < sizeof(tags) - 80; k++) {
			char one[64];

			err_text(one, sizeof(one), v[i].repo_tags[k], strlen(v[i].repo_tags[k]));
			used += (size_t)snprintf(tags + used, sizeof(tags) - used, "%s%s",
						 used ? ", " : "", one);
		}
	return err_fail(err, ERR_NOT_FOUND, 0, "%s has no image '%s'; it has %s", s->path,
			err_text(name, sizeof(name), s->ref_name, strlen(s->ref_name)),
			used ? tags : "none with a tag");
}

static int choose(struct source *s, const struct docker_archive_image *v, size_t count,
		  struct error *err)
{
	bool any = false;
	int r = 0;

	if (s->ref_index >= 0 && (size_t)s->ref_index >= count)
		return err_fail(err, ERR_NOT_FOUND, 0, "%s has %zu images, none @%ld", s->path,
				count, s->ref_index);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const char *tag = tag_of(s, &v[i]);

		if (s->ref_index >= 0 ? (size_t)s->ref_index != i : s->ref_name && !tag)
			continue;
		any = true;
		r = add(s, &v[i],
			tag	    ? source_name(s, tag)
			: count > 1 ? source_name_index(s, i)
				    : source_name(s, NULL),
			err);
	}
	if (r == 0 && !any && s->ref_name)
		return no_such_tag(s, v, count, err);
	return r;
}

static int finish(struct source *s, struct error *err)
{
	char want[100];

	if (s->image_count)
		return 0;
	platform_print(&s->platform, want);
	return err_fail(err, ERR_NOT_FOUND, 0, "%s holds no image%s%s", s->path,
			s->platform_asked ? " for " : "", s->platform_asked ? want : "");
}

int docker_archive_images(struct source *s, struct error *err)
{
	struct docker_archive_image *v = NULL;
	_cleanup_(freep) uint8_t *data = NULL;
	size_t len, count = 0;
	int r;

	/* manifest.json has one platform a tag; the layout beside it has them all. */
	if (s->all_platforms && store_has(s->store, "index.json"))
		return oci_images(s, err);
	s->transport = TRANSPORT_DOCKER_ARCHIVE;
	r = store_read(s->store, "manifest.json", "manifest.json", s->limits, &data, &len, err);
	if (r > 0 && store_has(s->store, "index.json"))
		notes_add(s->notes, "%s has no manifest.json: read as oci-archive:", s->path);
	if (r > 0) /* finds the other format, or says what is missing */
		return archive_images(s, err);
	if (r == 0)
		r = docker_archive_parse(&v, &count, data, len, s->limits, err);
	if (r < 0)
		return err_wrap(err, "%s", s->path);
	r = choose(s, v, count, err);
	docker_archive_free(v, count);
	return r < 0 ? r : finish(s, err);
}
