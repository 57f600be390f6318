/* Workers take blobs from one list, the largest first (or the smallest: enough.c). What fails is
 * remembered by the position of its layer: work on higher positions ends, work on lower ones goes
 * on, so the error that is told is the same however the threads ran.
 */
#include "inventory/load.h"

#include <pthread.h>
#include <string.h>

#include "inventory/tap.h"
#include "stream/watch.h"

static int by_blob(const void *pa, const void *pb)
{
	const struct load_use *a = *(const struct load_use *const *)pa;
	const struct load_use *b = *(const struct load_use *const *)pb;
	int r = strcmp(a->layer->blob, b->layer->blob);

	if (!r)
		r = (int)a->layer->digest.algo - (int)b->layer->digest.algo;
	if (!r)
		r = (int)a->layer->diff_id.algo - (int)b->layer->diff_id.algo;
	return r ? r : a->position < b->position ? -1 : a->position > b->position;
}

static bool same_job(const struct load_use *a, const struct load_use *b)
{
	return strcmp(a->layer->blob, b->layer->blob) == 0 &&
	       a->layer->digest.algo == b->layer->digest.algo &&
	       a->layer->diff_id.algo == b->layer->diff_id.algo;
}

/* Layers that the manifest says nothing of count as the largest. */
static uint64_t job_size(const struct load_job *j)
{
	const struct source_layer *l = j->uses[0]->layer;

	return l->effort ? l->effort : l->size;
}

static int by_size(const void *pa, const void *pb, void *ctx)
{
	const struct load *l = ctx;
	const struct load_job *a = &l->jobs[*(const size_t *)pa],
			      *b = &l->jobs[*(const size_t *)pb];

	/* Who may stop early begins with what costs least. */
	if (job_size(a) != job_size(b))
		return (job_size(a) > job_size(b)) != !!l->opts->enough ? -1 : 1;
	return a->uses[0]->position < b->uses[0]->position ? -1 : 1;
}

static bool has_one_table(const struct load_job *j)
{
	for (size_t i = 1; i < j->use_count; i++)
		if (!toc_is_same(&j->uses[i]->layer->toc, &j->uses[0]->layer->toc))
			return false;
	return true;
}

/* Uses of one blob stand together once sorted. */
static void make_jobs(struct load *l)
{
	for (size_t i = 0, k; i < l->use_count; i = k) {
		struct load_job *j = &l->jobs[l->job_count];

		for (k = i; k < l->use_count && same_job(l->by_blob[i], l->by_blob[k]); k++)
			l->uses[l->by_blob[k]->position].job = l->job_count;
		*j = (struct load_job){ .uses = l->by_blob + i, .use_count = k - i };
		j->one_table = has_one_table(j);
		l->order[l->job_count] = l->job_count;
		l->job_count++;
	}
	qsort_r(l->order, l->job_count, sizeof(*l->order), by_size, l);
}

int load_plan(struct load *l, const struct source_image *images, size_t count, struct error *err)
{
	size_t n = 0;

	l->images = images;
	l->image_count = count;
	for (size_t i = 0; i < count; i++)
		n += images[i].layer_count;
	l->uses = calloc(n + 1, sizeof(*l->uses));
	l->by_blob = calloc(n + 1, sizeof(*l->by_blob));
	l->jobs = calloc(n + 1, sizeof(*l->jobs));
	l->order = calloc(n + 1, sizeof(*l->order));
	if (!l->uses || !l->by_blob || !l->jobs || !l->order)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < images[i].layer_count; k++, l->use_count++) {
			l->uses[l->use_count] = (struct load_use){
				.image = &images[i],
				.layer = &images[i].layers[k],
				.index = k,
				.position = l->use_count,
			};
			l->by_blob[l->use_count] = &l->uses[l->use_count];
		}
	}
	qsort(l->by_blob, n, sizeof(*l->by_blob), by_blob);
	make_jobs(l);
	atomic_init(&l->failed, SIZE_MAX);
	return load_enough_begin(l, err);
}

static void job_failed(struct load *l, struct load_job *j, const struct load_use *u, int r)
{
	size_t lowest = atomic_load(&l->failed);
	const struct source_layer *layer = u->layer;
	const char *digest = layer->digest.text[0] ? layer->digest.text : layer->diff_id.text;
	char name[128];

	/* A source that cannot open a layer has named it. */
	if (strncmp(j->err.msg, "layer ", strlen("layer ")) != 0)
		err_wrap(&j->err, "layer %zu%s%s", u->index, *digest ? " " : "", digest);
	err_wrap(&j->err, "%s",
		 err_text(name, sizeof(name), u->image->name, strlen(u->image->name)));
	j->r = r;
	j->failed_at = u->position;
	while (u->position < lowest &&
	       !atomic_compare_exchange_weak(&l->failed, &lowest, u->position))
		;
}

/* raw is owned. */
static int build_from(struct load *l, struct load_job *j, struct stream *raw,
		      const struct layer_build *how)
{
	const struct tap_options watch = { .failed = &l->failed,
					   .position = j->uses[0]->position,
					   .wanted = &j->wanted };
	struct stream *tap;
	uint64_t bytes;
	int r = tap_open(&tap, raw, &watch, &bytes, &j->err);

	if (r < 0) {
		stream_close(raw);
		return r;
	}
	return layer_inventory_build(&j->inv, tap, how, &j->err);
}

static size_t spool_memory(const struct load *l)
{
	return MAX(LOAD_SPOOL_MIN, MIN(INV_SPOOL_MEMORY, LOAD_SPOOL_ALL / l->job_count));
}

static bool may_cut(const struct load *l, const struct load_job *j)
{
	return l->opts->enough && l->opts->enough_at && j->uses[0]->layer->size > LOAD_CUT_MIN;
}

static int build(struct load *l, struct load_job *j, bool verify)
{
	const struct source_layer *layer = j->uses[0]->layer;
	struct load_stop stop = { l, j };
	const struct layer_build how = {
		.limits = l->opts->limits,
		.verify = verify,
		.want_blob_digest = layer->digest.text[0],
		.blob_algo = layer->digest.algo,
		.diff_algo = layer->diff_id.algo,
		.spool_memory = spool_memory(l),
		.stop = may_cut(l, j) && !verify ? load_enough_stop : NULL,
		.stop_ctx = &stop,
	};
	struct stream *raw, *watched;
	int r = source_layer_open(l->source, layer, &raw, &j->err);

	j->rests_on = INV_VERIFIED_NONE;
	if (r < 0)
		return r;
	r = stream_open_watched(&watched, raw, l->opts->progress, j->progress, PROGRESS_READING,
				&j->err);
	if (r < 0) {
		stream_close(raw);
		return r;
	}
	return build_from(l, j, watched, &how);
}

/* What stands for a layer may be damaged where the layer is not. */
static bool is_damage(int r)
{
	return r == -ERR_BAD_INPUT || r == -ERR_TRUNCATED || r == -ERR_DIGEST ||
	       r == -ERR_UNSUPPORTED;
}

/* 0 with the inventory, 1 where the layer itself is to be read. */
static int build_short(struct load *l, struct load_job *j)
{
	static const enum inv_verified verified[] = {
		[SOURCE_TOC] = INV_VERIFIED_TOC, [SOURCE_STORE] = INV_VERIFIED_STORE
	};
	const struct load_use *use = j->uses[0];
	const struct layer_build how = { .limits = l->opts->limits,
					 .diff_algo = use->layer->diff_id.algo,
					 .spool_memory = spool_memory(l) };
	enum source_evidence evidence = SOURCE_STORE;
	struct stream *tar;
	int r;

	if (!l->opts->short_ways || l->opts->verify || l->one_pass)
		return 1;
	if (!j->one_table) {
		notes_add(
			l->opts->notes,
			"layer %zu is read whole: manifests name different tables of its contents",
			use->index);
		return 1;
	}
	r = source_layer_headers(l->source, use->layer, &tar, &evidence, &j->err);
	if (r == 0)
		r = build_from(l, j, tar, &how);
	if (r == 0)
		j->rests_on = verified[evidence];
	/* A table that is not the one that the manifest names is no damage. */
	if (!is_damage(r) || (r == -ERR_DIGEST && evidence == SOURCE_TOC))
		return r;
	notes_add(l->opts->notes, "layer %zu is read whole: %s", use->index, j->err.msg);
	return 1;
}

/* The inventory that the scan has made of that blob. */
static int take_scanned(struct load *l, struct load_job *j)
{
	struct scanned *s = load_scanned(l, j->uses[0]->layer->blob);

	if (!s)
		return err_fail(&j->err, ERR_NOT_FOUND, 0, "the archive does not hold it");
	if (!s->inv) {
		j->err = *s->err;
		return -(int)j->err.code;
	}
	j->inv = s->inv;
	s->used = true;
	return 0;
}

/* True where the cache has what key names, and all that names the layer is what it was when it was
 * read: else the layer is read, and its error is told. */
static bool ask_cache(struct load *l, struct load_job *j, const struct cache_key *key,
		      enum inv_verified least)
{
	const struct source_layer *layer = j->uses[0]->layer;
	_cleanup_(layer_inventory_freep) struct layer_inventory *inv = NULL;
	enum inv_verified verified, rests_on = key->toc ? INV_VERIFIED_TOC : INV_VERIFIED_NONE;

	if (inventory_cache_get(l->opts->cache, key, least, spool_memory(l), &inv, &verified) ||
	    load_judge(layer, inv, rests_on, &verified, &j->err) < 0 ||
	    source_layer_there(l->source, layer, &j->err) < 0)
		return false;
	j->inv = STEAL(inv);
	j->rests_on = rests_on;
	j->cached = true;
	return true;
}

static bool take_cached(struct load *l, struct load_job *j)
{
	const struct source_layer *layer = j->uses[0]->layer;
	const struct cache_key whole = { .digest = &layer->digest };
	const struct cache_key table = { .digest = &layer->digest, .toc = &layer->toc.digest };

	if (!l->opts->cache || l->opts->verify || !layer->digest.text[0] || !layer->diff_id.text[0])
		return false;
	if (ask_cache(l, j, &whole, INV_VERIFIED_BLOB))
		return true;
	return l->opts->short_ways && j->one_table && layer->toc.kind != TOC_NONE &&
	       ask_cache(l, j, &table, INV_VERIFIED_TOC);
}

static int read_job(struct load *l, struct load_job *j)
{
	int r;

	if (l->one_pass)
		return take_scanned(l, j);
	if (take_cached(l, j))
		return 0;
	r = build_short(l, j);
	if (r == 1)
		r = build(l, j, l->opts->verify);
	if (r == 0 && !j->inv->cut && load_wants_more(j->inv)) {
		layer_inventory_free(STEAL(j->inv));
		r = build(l, j, true);
	}
	return r;
}

/* 0 where every layer that has the blob is what its names say: then the cache may have it. */
static int judge_job(struct load *l, struct load_job *j)
{
	const struct source_layer *layer = j->uses[0]->layer;
	const struct cache_key key = { .digest = &layer->digest,
				       .toc = j->rests_on == INV_VERIFIED_TOC ? &layer->toc.digest
									      : NULL };
	enum inv_verified verified = INV_VERIFIED_NONE;

	if (j->inv->cut)
		return 0;
	for (size_t i = 0; i < j->use_count; i++) {
		int r = load_judge(j->uses[i]->layer, j->inv, j->rests_on, &verified, &j->err);

		if (r < 0) {
			job_failed(l, j, j->uses[i], r);
			return r;
		}
	}
	if (!j->cached)
		inventory_cache_put(l->opts->cache, &key, verified, j->inv);
	return 0;
}

static void end_job(const struct load *l, const struct load_job *j, enum progress_step how)
{
	if (!l->one_pass)
		progress_end(l->opts->progress, j->progress, how);
}

/* j has its inventory. */
static void take_job(struct load *l, struct load_job *j)
{
	int r = judge_job(l, j);

	if (r == 0)
		load_enough_tell(l, j);
	end_job(l, j,
		r < 0	      ? PROGRESS_FAILED
		: j->inv->cut ? PROGRESS_LEFT
		: j->cached   ? PROGRESS_CACHED
			      : PROGRESS_DONE);
}

static void run_job(struct load *l, struct load_job *j)
{
	const struct load_use *first = j->uses[0];
	int r = 0;

	if (j->done || atomic_load(&l->failed) < first->position)
		return;
	if (load_wanted(j))
		r = read_job(l, j);
	/* What was given up half-way has failed at nothing. */
	if (!j->inv && !load_wanted(j)) {
		end_job(l, j, PROGRESS_LEFT);
	} else if (r < 0) {
		job_failed(l, j, first, r);
		end_job(l, j, PROGRESS_FAILED);
	} else {
		take_job(l, j);
	}
}

/* What costs nothing is looked at first, where it may save the rest. */
static void run_cached(struct load *l)
{
	for (size_t i = 0; i < l->job_count && l->opts->enough && !l->one_pass; i++) {
		struct load_job *j = &l->jobs[l->order[i]];

		if (!load_wanted(j) || !take_cached(l, j))
			continue;
		j->done = true;
		take_job(l, j);
	}
}

static void *worker(void *arg)
{
	struct load *l = arg;
	size_t i;

	while ((i = atomic_fetch_add(&l->next, 1)) < l->job_count)
		run_job(l, &l->jobs[l->order[i]]);
	return NULL;
}

/* A line each, in the order of the layers. */
static void begin_progress(struct load *l)
{
	for (size_t i = 0; i < l->use_count && l->opts->progress; i++) {
		const struct source_layer *layer = l->uses[i].layer;
		struct load_job *j = &l->jobs[l->uses[i].job];

		if (j->uses[0] == &l->uses[i])
			j->progress = progress_begin(l->opts->progress,
						     layer->digest.text[0]    ? layer->digest.text
						     : layer->diff_id.text[0] ? layer->diff_id.text
									      : layer->blob,
						     layer->size);
	}
}

#define THREADS_MAX 64

int load_run(struct load *l, struct error *err)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = l->opts->threads ? l->opts->threads : (size_t)MAX(cores, 1L), started = 0;
	pthread_t threads[THREADS_MAX];

	if (!l->one_pass)
		begin_progress(l);
	run_cached(l);
	want = l->one_pass ? 1 : MIN(MIN(want, l->job_count), (size_t)THREADS_MAX);
	/* This thread is a worker too; where the host gives fewer, fewer do the work. */
	while (started + 1 < want && pthread_create(&threads[started], NULL, worker, l) == 0)
		started++;
	worker(l);
	while (started)
		pthread_join(threads[--started], NULL);
	for (size_t i = 0; i < l->job_count; i++) {
		if (!l->jobs[i].r || l->jobs[i].failed_at != atomic_load(&l->failed))
			continue;
		if (err)
			*err = l->jobs[i].err;
		return l->jobs[i].r;
	}
	return 0;
}

void load_done(struct load *l)
{
	for (size_t i = 0; i < l->scanned_count; i++) {
		layer_inventory_free(l->scanned[i].inv);
		free(l->scanned[i].blob);
		free(l->scanned[i].err);
	}
	free(l->scanned);
	for (size_t i = 0; !l->one_pass && i < l->job_count; i++)
		layer_inventory_free(l->jobs[i].inv);
	free(l->jobs);
	free(l->decided);
	free(l->order);
	free(l->by_blob);
	free(l->uses);
}
