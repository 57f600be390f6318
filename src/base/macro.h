/* Attributes and scope-bound cleanup shared by every folder.
 *
 * Ownership rule of the whole program: a thing made by noun_new() or noun_open() is released by
 * noun_free() or noun_close(), which take NULL; noun_freep() beside it serves _cleanup_().
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn)	     __attribute__((cleanup(fn)))
#define _must_check_	     __attribute__((warn_unused_result))
#define _printf_(fmt, first) __attribute__((format(printf, fmt, first)))
#define _unused_	     __attribute__((unused))
#define _pure_		     __attribute__((pure))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

/* Hands a pointer over: returns it and leaves NULL behind, so that a cleanup does nothing. */
#define STEAL(p)                                                                                   \
	__extension__({                                                                            \
		__auto_type _p = (p);                                                              \
		(p) = NULL;                                                                        \
		_p;                                                                                \
	})

/* Declares noun_freep() for _cleanup_(noun_freep). */
#define DEFINE_CLEANUP(type, fn)                                                                   \
	static inline _unused_ void fn##p(type **p)                                                \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}

/* Closes a descriptor that starts at -1; keeps errno, so that it may run after a failure. */
static inline void closep(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}
