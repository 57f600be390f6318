#include "report/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "report/progress-line.h"

#define FRAME_MS      100
#define PLAIN_MS      250 /* how often plain lines are looked at */
#define EVERY_MS      2000
#define RATE_MS	      500
#define SCREEN_WIDTH  80
#define SCREEN_HEIGHT 24

struct show {
	struct progress base;
	struct progress_options opts;
	pthread_mutex_t lock; /* around all below */
	pthread_cond_t wake;
	pthread_t thread;
	bool started, ending;
	struct progress_line *lines;
	size_t count, cap;
	size_t first_id;   /* of lines[0]: ids are not used again */
	uint64_t began_ms; /* the first line since the start or the last clearing */
	bool shown;	   /* the delay has passed */
	size_t drawn;	   /* lines on the screen, above the cursor */
	struct buf text;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* In one piece, as far as the terminal takes it. Who cannot see it misses nothing. */
static void write_text(struct show *s)
{
	const uint8_t *p = s->text.data;
	size_t n = s->text.len;

	while (n) {
		ssize_t k = write(s->opts.fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		p += k;
		n -= (size_t)k;
	}
	buf_clear(&s->text);
}

/* Where memory is short, what is shown is short. */
#define SAY(s, ...)                                                                                \
	do {                                                                                       \
		if (buf_printf(&(s)->text, __VA_ARGS__) < 0)                                       \
			return;                                                                    \
	} while (0)

static void go_back(struct show *s)
{
	buf_clear(&s->text);
	if (s->drawn)
		SAY(s, "\r\033[%zuA\033[J", s->drawn);
	s->drawn = 0;
}

static void rate(struct progress_line *l, uint64_t now)
{
	uint64_t passed = now - l->rated_ms;

	if (passed < RATE_MS)
		return;
	if (l->rated_ms && l->bytes >= l->rated_bytes) {
		double last = (double)(l->bytes - l->rated_bytes) * 1000 / (double)passed;

		l->rate = l->rate > 0 ? (l->rate + last) / 2 : last;
	}
	l->rated_ms = now;
	l->rated_bytes = l->bytes;
}

/* True for the lines that are shown: all where there is room, else those where something happens.
 */
static bool has_line(const struct show *s, const struct progress_line *l, bool all)
{
	return all || (s->count && !progress_is_over(l) && l->step != PROGRESS_WAITING);
}

static void draw_bars(struct show *s)
{
	struct winsize w = { 0 };
	size_t width, height, room;
	uint64_t now = now_ms();
	bool all;

	if (ioctl(s->opts.fd, TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row)
		w = (struct winsize){ .ws_col = SCREEN_WIDTH, .ws_row = SCREEN_HEIGHT };
	width = w.ws_col;
	height = w.ws_row;
	room = height > 2 ? height - 2 : 1; /* the cursor's line, and the summary */
	all = s->count <= room;
	go_back(s);
	for (size_t i = 0; i < s->count && s->drawn < room; i++) {
		struct progress_line *l = &s->lines[i];

		rate(l, now);
		if (!has_line(s, l, all))
			continue;
		if (progress_bar(&s->text, l, width) < 0)
			return;
		SAY(s, "\n");
		s->drawn++;
	}
	if (!all && height > 2) {
		if (progress_summary(&s->text, s->lines, s->count, width) < 0)
			return;
		SAY(s, "\n");
		s->drawn++;
	}
	write_text(s);
}

static void say_plain(struct show *s, struct progress_line *l, uint64_t now)
{
	time_t wall = time(NULL);
	struct tm tm;

	localtime_r(&wall, &tm);
	SAY(s, "%02d:%02d:%02d %s: ", tm.tm_hour, tm.tm_min, tm.tm_sec, l->name);
	if (progress_words(&s->text, l) < 0)
		return;
	SAY(s, "\n");
	l->told_ms = now;
}

static void draw_plain(struct show *s)
{
	uint64_t now = now_ms(), every = s->opts.every_ms ? s->opts.every_ms : EVERY_MS;

	for (size_t i = 0; i < s->count; i++) {
		struct progress_line *l = &s->lines[i];

		if (l->step != PROGRESS_WAITING && !progress_is_over(l) && l->bytes &&
		    (!l->told_ms || now - l->told_ms >= every))
			say_plain(s, l, now);
	}
	write_text(s);
}

/* False as long as the run may turn out to be a short one. */
static bool is_due(struct show *s)
{
	if (!s->shown && s->count)
		s->shown = now_ms() - s->began_ms >= s->opts.delay_ms;
	return s->shown && s->count;
}

static void draw(struct show *s)
{
	if (!is_due(s))
		return;
	if (s->opts.form == PROGRESS_BARS)
		draw_bars(s);
	else
		draw_plain(s);
}

static void *draw_often(void *arg)
{
	struct show *s = arg;
	long ms = s->opts.form == PROGRESS_BARS ? FRAME_MS : PLAIN_MS;

	pthread_mutex_lock(&s->lock);
	while (!s->ending) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += ms * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&s->wake, &s->lock, &until);
		if (!s->ending)
			draw(s);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Signals are for the thread that works. */
static void start(struct show *s)
{
	sigset_t all, old;

	if (s->started || s->opts.form == PROGRESS_NONE)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	s->started = pthread_create(&s->thread, NULL, draw_often, s) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static struct progress_line *line_of(struct show *s, size_t id)
{
	return id >= s->first_id && id - s->first_id < s->count ? &s->lines[id - s->first_id]
								: NULL;
}

static size_t show_begin(struct progress *p, const char *name, uint64_t total)
{
	struct show *s = (struct show *)p;
	size_t id = SIZE_MAX;

	if (s->opts.form == PROGRESS_NONE)
		return id;
	pthread_mutex_lock(&s->lock);
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 32;
		struct progress_line *lines = reallocarray(s->lines, cap, sizeof(*lines));

		if (lines) {
			s->lines = lines;
			s->cap = cap;
		}
	}
	if (s->count < s->cap) {
		if (!s->count)
			s->began_ms = now_ms();
		s->lines[s->count] = (struct progress_line){ .total = total };
		progress_name(s->lines[s->count].name, name);
		id = s->first_id + s->count++;
		start(s);
	}
	pthread_mutex_unlock(&s->lock);
	return id;
}

static void show_advance(struct progress *p, size_t id, enum progress_step step, uint64_t bytes)
{
	struct show *s = (struct show *)p;
	struct progress_line *l;

	if (s->opts.form == PROGRESS_NONE)
		return;
	pthread_mutex_lock(&s->lock);
	l = line_of(s, id);
	if (l) {
		l->step = step;
		l->moved = step;
		l->bytes = bytes;
	}
	pthread_mutex_unlock(&s->lock);
}

static void show_end(struct progress *p, size_t id, enum progress_step how)
{
	struct show *s = (struct show *)p;
	struct progress_line *l;

	if (s->opts.form == PROGRESS_NONE)
		return;
	pthread_mutex_lock(&s->lock);
	l = line_of(s, id);
	if (l && !progress_is_over(l)) {
		l->step = how;
		if (how == PROGRESS_DONE && l->total != UINT64_MAX)
			l->bytes = l->total;
		if (s->opts.form == PROGRESS_PLAIN && is_due(s)) {
			say_plain(s, l, now_ms());
			write_text(s);
		}
	}
	pthread_mutex_unlock(&s->lock);
}

struct progress *progress_show(const struct progress_options *opts)
{
	struct show *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->base = (struct progress){ show_begin, show_advance, show_end, opts->stop };
	s->opts = *opts;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	return &s->base;
}

void progress_clear(struct progress *p)
{
	struct show *s = (struct show *)p;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	go_back(s);
	write_text(s);
	s->first_id += s->count;
	s->count = 0;
	s->shown = false;
	pthread_mutex_unlock(&s->lock);
}

void progress_hide(struct progress *p)
{
	struct show *s = (struct show *)p;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->started)
		pthread_join(s->thread, NULL);
	progress_clear(p);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	buf_free(&s->text);
	free(s->lines);
	free(s);
}
