#include "working.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "report/progress.h"

#define BARS_DELAY  500	 /* milliseconds; no bar flickers up for less */
#define PLAIN_DELAY 2000 /* of lines that nobody asked for */

static volatile sig_atomic_t stop;
static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
static struct sigaction before[ARRAY_SIZE(signals)], alarm_before;

/* Async-signal-safe, as all that is called here and below. */
static void die_by(int signal_number)
{
	const struct sigaction plain = { .sa_handler = SIG_DFL };

	sigaction(signal_number, &plain, NULL);
	raise(signal_number);
}

static void on_signal(int signal_number)
{
	int fd, saved = errno;

	if (stop)
		die_by(signal_number);
	stop = signal_number;
	alarm(INTERRUPT_WAIT);
	/* Who waits for standard input finds its end there. */
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		dup2(fd, STDIN_FILENO);
	errno = saved;
}

static void on_alarm(_unused_ int signal_number)
{
	if (stop)
		die_by(stop);
}

/* What was ignored (nohup, a job in the background) stays so. */
static void catch_signals(void)
{
	struct sigaction on = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction tick = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], NULL, &before[i]);
	sigaction(SIGALRM, &tick, &alarm_before);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &on, NULL);
}

static void release_signals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	if (stop)
		die_by(stop);
	sigaction(SIGALRM, &alarm_before, NULL);
}

void cli_working_cleans_up(void)
{
	if (stop)
		alarm(CLEAN_UP_WAIT);
}

bool cli_interrupted(void)
{
	return stop;
}

/* The option, else UIDFIT_PROGRESS, as BUILDKIT_PROGRESS is used; its words are the option's. */
static unsigned choice(const struct common_options *o)
{
	static const char *const words[] = { "auto", "plain", "none" };
	const char *env = getenv("UIDFIT_PROGRESS");

	for (unsigned i = 0; env && !o->progress && i < ARRAY_SIZE(words); i++)
		if (strcmp(env, words[i]) == 0)
			return i;
	return o->progress;
}

static bool has_bars(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

struct progress *cli_working_begin(const struct common_options *o)
{
	enum { AUTO, PLAIN, NONE };
	struct progress_options how = { .fd = STDERR_FILENO, .stop = &stop };
	unsigned chosen = o->quiet ? NONE : choice(o);

	if (chosen == PLAIN) {
		how.form = PROGRESS_PLAIN;
	} else if (chosen == AUTO) {
		how.form = has_bars() ? PROGRESS_BARS : PROGRESS_PLAIN;
		how.delay_ms = has_bars() ? BARS_DELAY : PLAIN_DELAY;
	}
	catch_signals();
	return progress_show(&how);
}

void cli_working_end(struct progress *p)
{
	progress_hide(p);
	release_signals();
}

struct inventory_cache *cli_cache(bool no_cache, const struct limits *limits, struct notes *notes)
{
	const char *env = getenv("UIDFIT_NO_CACHE");
	struct inventory_cache *c;

	if (no_cache || (env && env[0]))
		return NULL;
	inventory_cache_open(&c, NULL, 0, limits, notes);
	return c;
}
