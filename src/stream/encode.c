/* The ring: chunks are filled by the writer, encoded by any thread, and written in order by the
 * writer. A chunk's number says who holds it: below `written` it is free, below `taken` a thread
 * has or had it, below `submitted` it waits, and the one after that is being filled.
 */
#include "stream/encode.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "stream/encode-impl.h"

#define THREADS_MAX 256 /* more would outgrow any ENCODER_MEMORY */

struct job {
	uint8_t *in, *out;
	size_t in_len, out_len;
	bool done;
	int result;
	struct error err;
};

struct encoder {
	const struct encode_ops *ops; /* NULL: bytes are handed on */
	int level;
	encoder_sink_fn *sink;
	void *ctx;
	uint64_t bytes_in, bytes_out;
	bool over;   /* finished or failed */
	void *state; /* of a codec that streams, or the writer's own where there are no threads */

	struct job *jobs;
	unsigned job_count;
	pthread_t *threads;
	unsigned thread_count, threads_wanted;

	pthread_mutex_t lock; /* guards what follows, and job.done */
	pthread_cond_t submitted_some, done_some;
	uint64_t submitted, taken, written;
	bool stop;
};

static const struct encode_ops *ops_of(enum codec codec)
{
	return codec == CODEC_GZIP ? &encode_gzip : codec == CODEC_ZSTD ? &encode_zstd : NULL;
}

bool encoder_has(enum codec codec)
{
	return codec == CODEC_NONE || ops_of(codec);
}

static unsigned cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	return 1;
}

static struct job *job_at(struct encoder *e, uint64_t number)
{
	return &e->jobs[number % e->job_count];
}

static void encode(struct encoder *e, void *state, struct job *job)
{
	size_t room;

	if (!state) {
		job->result = err_nomem(&job->err);
		return;
	}
	room = e->ops->bound(state, job->in_len);
	free(job->out);
	job->out = malloc(room);
	if (!job->out)
		job->result = err_nomem(&job->err);
	else
		job->result = e->ops->chunk_encode(state, job->in, job->in_len, job->out, room,
						   &job->out_len, &job->err);
}

static void *work(void *arg)
{
	struct encoder *e = arg;
	void *state = e->ops->open(e->level);
	struct job *job;

	pthread_mutex_lock(&e->lock);
	for (;;) {
		while (!e->stop && e->taken == e->submitted)
			pthread_cond_wait(&e->submitted_some, &e->lock);
		if (e->stop)
			break;
		job = job_at(e, e->taken++);
		pthread_mutex_unlock(&e->lock);
		encode(e, state, job);
		pthread_mutex_lock(&e->lock);
		job->done = true;
		pthread_cond_signal(&e->done_some);
	}
	pthread_mutex_unlock(&e->lock);
	if (state)
		e->ops->close(state);
	return NULL;
}

static void start_threads(struct encoder *e)
{
	while (e->thread_count < e->threads_wanted &&
	       pthread_create(&e->threads[e->thread_count], NULL, work, e) == 0)
		e->thread_count++;
	/* A host that gives no more is served by those that it gave, or by the writer. */
	e->threads_wanted = e->thread_count;
}

static void stop_threads(struct encoder *e)
{
	pthread_mutex_lock(&e->lock);
	e->stop = true;
	pthread_cond_broadcast(&e->submitted_some);
	pthread_mutex_unlock(&e->lock);
	while (e->thread_count)
		pthread_join(e->threads[--e->thread_count], NULL);
}

/* As many threads as asked for and as the memory allows, at least one. */
static unsigned threads_for(const struct encode_ops *ops, int level, unsigned asked)
{
	unsigned n = MIN(asked ? asked : cores(), THREADS_MAX);

	while (n > 1 && ops->memory(level, n) > ENCODER_MEMORY)
		n--;
	return n;
}

static int make_ring(struct encoder *e, unsigned threads, struct error *err)
{
	e->threads_wanted = threads;
	e->job_count = threads + ENCODE_WAITING;
	e->threads = calloc(threads, sizeof(*e->threads));
	e->jobs = calloc(e->job_count, sizeof(*e->jobs));
	return e->threads && e->jobs ? 0 : err_nomem(err);
}

static int set_up(struct encoder *e, const struct encoder_options *opts, struct error *err)
{
	const struct encode_ops *ops = e->ops;
	unsigned threads;

	if (!ops)
		return 0;
	if (opts->level < 0 || opts->level > ops->level_max)
		return err_fail(err, ERR_BUG, 0, "%s has no level %d", ops->name, opts->level);
	e->level = opts->level ? opts->level : ops->level_default;
	threads = threads_for(ops, e->level, opts->threads);
	if (ops->chunk)
		return make_ring(e, threads, err);
	return ops->stream_open(&e->state, e->level, threads, err);
}

int encoder_new(struct encoder **out, const struct encoder_options *opts, struct error *err)
{
	struct encoder *e;
	int r;

	if (!encoder_has(opts->codec))
		return err_fail(err, ERR_UNSUPPORTED, 0, "nothing here writes %s",
				codec_name(opts->codec));
	e = calloc(1, sizeof(*e));
	if (!e)
		return err_nomem(err);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->submitted_some, NULL);
	pthread_cond_init(&e->done_some, NULL);
	e->ops = ops_of(opts->codec);
	e->sink = opts->sink;
	e->ctx = opts->ctx;
	r = set_up(e, opts, err);
	if (r < 0) {
		encoder_free(e);
		return r;
	}
	*out = e;
	return 0;
}

void encoder_free(struct encoder *e)
{
	if (!e)
		return;
	stop_threads(e);
	if (e->state)
		e->ops->close(e->state);
	for (unsigned i = 0; e->jobs && i < e->job_count; i++) {
		free(e->jobs[i].in);
		free(e->jobs[i].out);
	}
	free(e->jobs);
	free(e->threads);
	pthread_cond_destroy(&e->done_some);
	pthread_cond_destroy(&e->submitted_some);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static int put(void *ctx, const void *bytes, size_t n, struct error *err)
{
	struct encoder *e = ctx;
	int r = e->sink(e->ctx, bytes, n, err);

	if (r == 0)
		e->bytes_out += n;
	return r;
}

static bool is_done(struct encoder *e, bool wait)
{
	const struct job *job = job_at(e, e->written);
	bool done;

	pthread_mutex_lock(&e->lock);
	while (wait && !job->done)
		pthread_cond_wait(&e->done_some, &e->lock);
	done = job->done;
	pthread_mutex_unlock(&e->lock);
	return done;
}

/* Writes chunks that are done, and waits for those that stand above max in the ring. */
static int write_done(struct encoder *e, uint64_t max, struct error *err)
{
	while (e->written < e->submitted) {
		struct job *job = job_at(e, e->written);
		int r;

		if (!is_done(e, e->submitted - e->written > max))
			return 0;
		if (job->result < 0) {
			if (err)
				*err = job->err;
			return job->result;
		}
		r = put(e, job->out, job->out_len, err);
		if (r < 0)
			return r;
		free(STEAL(job->out));
		job->in_len = 0;
		job->done = false;
		e->written++;
	}
	return 0;
}

/* The chunk that was filled goes to a thread; where there is none, it is encoded at once. */
static void submit(struct encoder *e)
{
	struct job *job = job_at(e, e->submitted);

	if (!e->thread_count) {
		if (!e->state)
			e->state = e->ops->open(e->level);
		encode(e, e->state, job);
		job->done = true;
		e->taken++;
		e->submitted++;
		return;
	}
	pthread_mutex_lock(&e->lock);
	e->submitted++;
	pthread_cond_signal(&e->submitted_some);
	pthread_mutex_unlock(&e->lock);
}

static int fill(struct encoder *e, const uint8_t *bytes, size_t n, struct error *err)
{
	while (n) {
		struct job *job = job_at(e, e->submitted);
		size_t part = MIN(n, e->ops->chunk - job->in_len);
		int r;

		if (!job->in)
			job->in = malloc(e->ops->chunk);
		if (!job->in)
			return err_nomem(err);
		memcpy(job->in + job->in_len, bytes, part);
		job->in_len += part;
		bytes += part;
		n -= part;
		if (job->in_len < e->ops->chunk)
			break;
		/* What fits into one chunk never starts a thread. */
		if (!e->thread_count)
			start_threads(e);
		submit(e);
		r = write_done(e, e->job_count - 1, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int is_over(struct error *err)
{
	return err_fail(err, ERR_SEQUENCE, 0, "bytes for an encoder that has ended");
}

int encoder_write(struct encoder *e, const void *bytes, size_t n, struct error *err)
{
	int r;

	if (e->over)
		return is_over(err);
	if (!n)
		return 0;
	if (!e->ops)
		r = put(e, bytes, n, err);
	else if (e->ops->chunk)
		r = fill(e, bytes, n, err);
	else
		r = e->ops->stream_push(e->state, bytes, n, false, put, e, err);
	e->over = r < 0;
	e->bytes_in += n;
	return r;
}

int encoder_finish(struct encoder *e, struct error *err)
{
	if (e->over)
		return is_over(err);
	e->over = true;
	if (!e->ops)
		return 0;
	if (!e->ops->chunk)
		return e->ops->stream_push(e->state, NULL, 0, true, put, e, err);
	if (job_at(e, e->submitted)->in_len || !e->submitted)
		submit(e);
	return write_done(e, 0, err);
}

uint64_t encoder_bytes_in(const struct encoder *e)
{
	return e->bytes_in;
}

uint64_t encoder_bytes_out(const struct encoder *e)
{
	return e->bytes_out;
}
