/* What a layer's names promise against what its bytes are.
 */
#include <inttypes.h>
#include <string.h>

#include "inventory/load.h"
#include "tar/reader.h"

/* 1 where the digest is named and holds, 0 where it is not named or the bytes were not hashed. */
static int judge_digest(const struct oci_digest *named, const struct oci_digest *found,
			const char *of, const char *by, struct error *err)
{
	if (!named->text[0] || !found->text[0])
		return 0;
	if (named->algo != found->algo)
		return err_fail(err, ERR_UNSUPPORTED, 0,
				"%s named by a digest that a stream is not checked for: give the "
				"archive as an uncompressed file",
				of);
	if (strcmp(named->text, found->text) != 0)
		return err_fail(err, ERR_DIGEST, 0, "%s %s, the %s says %s", of, found->text, by,
				named->text);
	return 1;
}

/* No digest was computed: an end that was not marked may be a cut. */
static int judge_end(const struct layer_inventory *inv, struct error *err)
{
	if (inv->oddities & TAR_ODD_NO_END_MARKER)
		return err_fail(err, ERR_TRUNCATED, 0,
				"the tar ends at %" PRIu64
				" without its end marker, and no digest tells whether that is all",
				inv->tar_size);
	return 0;
}

int load_judge(const struct source_layer *layer, const struct layer_inventory *inv,
	       enum inv_verified rests_on, enum inv_verified *verified, struct error *err)
{
	bool names_blob = layer->digest.text[0], names_diff = layer->diff_id.text[0];
	int blob, diff;

	*verified = rests_on;
	if (rests_on != INV_VERIFIED_NONE)
		return judge_end(inv, err);
	if (layer->size != SOURCE_SIZE_UNKNOWN && layer->size != inv->blob_size)
		return err_fail(err, ERR_DIGEST, 0,
				"the blob has %" PRIu64 " bytes, its descriptor says %" PRIu64,
				inv->blob_size, layer->size);
	blob = judge_digest(&layer->digest, &inv->blob_digest, "the blob is", "manifest", err);
	if (blob < 0)
		return blob;
	diff = judge_digest(&layer->diff_id, &inv->diff_id, "decompressed it is", "config", err);
	if (diff < 0)
		return diff;
	if (blob == names_blob && diff == names_diff && diff)
		*verified = INV_VERIFIED_FULL;
	else if (blob)
		*verified = INV_VERIFIED_BLOB;
	return *verified == INV_VERIFIED_NONE ? judge_end(inv, err) : 0;
}

bool load_wants_more(const struct layer_inventory *inv)
{
	return inv->oddities & TAR_ODD_NO_END_MARKER && !inv->diff_id.text[0];
}
