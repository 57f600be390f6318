#include "oci/descriptor.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "oci/json.h"

static const struct {
	const char *prefix;
	enum digest_algo algo;
	size_t hex;
} algos[] = {
	{ "sha256:", DIGEST_SHA256, 64 },
	{ "sha512:", DIGEST_SHA512, 128 },
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

int oci_digest_parse(struct oci_digest *out, const char *text, struct error *err)
{
	char shown[80];

	for (size_t i = 0; i < ARRAY_SIZE(algos); i++) {
		size_t prefix = strlen(algos[i].prefix), n = 0;

		if (strncmp(text, algos[i].prefix, prefix) != 0)
			continue;
		while (n < algos[i].hex && is_hex(text[prefix + n]))
			n++;
		if (n != algos[i].hex || text[prefix + n])
			break;
		out->algo = algos[i].algo;
		memcpy(out->text, text, prefix + algos[i].hex + 1);
		return 0;
	}
	return err_fail(err, ERR_BAD_INPUT, 0,
			"'%s' is no digest (sha256: or sha512: and hex digits)",
			err_text(shown, sizeof(shown), text, strlen(text)));
}

const char *oci_digest_hex(const struct oci_digest *d)
{
	const char *colon = strchr(d->text, ':');

	return colon ? colon + 1 : d->text;
}

static int keep(char **out, const char *s, struct error *err)
{
	*out = s ? strdup(s) : NULL;
	return s && !*out ? err_nomem(err) : 0;
}

static int read_annotations(struct descriptor *d, json_t *json, struct error *err)
{
	const char *ref_name = NULL, *image_name = NULL, *reference_type = "";
	json_t *map = NULL;
	int r = oci_json_object(json, "annotations", &map, err);

	if (r == 0)
		r = oci_json_entry(map, "org.opencontainers.image.ref.name", &ref_name, err);
	if (r == 0)
		r = oci_json_entry(map, "io.containerd.image.name", &image_name, err);
	if (r == 0)
		r = oci_json_entry(map, "vnd.docker.reference.type", &reference_type, err);
	if (r == 0)
		r = keep(&d->ref_name, ref_name, err);
	if (r == 0)
		r = keep(&d->image_name, image_name, err);
	d->is_attestation = strcmp(reference_type, "attestation-manifest") == 0;
	return r;
}

static int read_size(struct descriptor *d, json_t *json, struct error *err)
{
	uint64_t size = UINT64_MAX; /* no number of the document can be this */
	int r = oci_json_u64(json, "size", &size, err);

	if (r == 0 && size == UINT64_MAX)
		return err_fail(err, ERR_BAD_INPUT, 0, "no 'size'");
	d->size = size;
	return r;
}

static int read_platform(struct descriptor *d, json_t *json, struct error *err)
{
	json_t *platform = NULL;
	int r = oci_json_object(json, "platform", &platform, err);

	d->has_platform = platform != NULL;
	return r < 0 || !platform ? r : platform_from_json(&d->platform, platform, err);
}

int descriptor_from_json(struct descriptor *out, json_t *json, struct error *err)
{
	const char *media_type = "", *digest = NULL, *artifact_type = NULL;
	struct descriptor d = { .json = json };
	int r = oci_json_string(json, "mediaType", &media_type, err);

	if (r == 0)
		r = oci_json_string(json, "digest", &digest, err);
	if (r == 0 && !digest)
		r = err_fail(err, ERR_BAD_INPUT, 0, "no 'digest'");
	if (r == 0)
		r = oci_digest_parse(&d.digest, digest, err);
	if (r == 0)
		r = read_size(&d, json, err);
	if (r == 0)
		r = oci_json_string(json, "artifactType", &artifact_type, err);
	if (r == 0)
		r = read_platform(&d, json, err);
	if (r == 0)
		r = keep(&d.media_type, media_type, err);
	if (r == 0)
		r = keep(&d.artifact_type, artifact_type, err);
	if (r == 0)
		r = read_annotations(&d, json, err);
	if (r < 0)
		descriptor_free(&d);
	else
		*out = d;
	return r;
}

void descriptor_free(struct descriptor *d)
{
	free(d->media_type);
	free(d->ref_name);
	free(d->image_name);
	free(d->artifact_type);
	*d = (struct descriptor){ 0 };
}
