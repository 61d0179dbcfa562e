/*
 * Where DPDK's log goes: into a buffer of bounded size while EAL starts, so that a failure can say
 * why and a success says nothing, and to standard error afterwards.
 *
 * One stream serves both for the whole life of the process: EAL's threads may log at any moment,
 * so it is never closed under them.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_log.h>

#define TEXT_MAX (16 * 1024)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *stream;
static bool capturing;
static char text[TEXT_MAX];
static size_t text_len;

static ssize_t sink(void *cookie, const char *data, size_t size)
{
	size_t room, take;

	(void)cookie;
	pthread_mutex_lock(&lock);
	if (capturing) {
		room = TEXT_MAX - text_len;
		take = size < room ? size : room;
		memcpy(text + text_len, data, take);
		text_len += take;
	} else if (write(STDERR_FILENO, data, size) < 0) {
		/* Nowhere left to complain to. */
	}
	pthread_mutex_unlock(&lock);
	return (ssize_t)size;
}

int pg_log_capture(void)
{
	cookie_io_functions_t functions = { .write = sink };

	if (stream == NULL) {
		stream = fopencookie(NULL, "w", functions);
		if (stream == NULL)
			return -1;
		setvbuf(stream, NULL, _IOLBF, 0);
	}
	pthread_mutex_lock(&lock);
	capturing = true;
	pthread_mutex_unlock(&lock);
	return rte_openlog_stream(stream);
}

void pg_log_release(bool quiet)
{
	fflush(stream);
	pthread_mutex_lock(&lock);
	capturing = false;
	pthread_mutex_unlock(&lock);
	if (quiet)
		rte_log_set_level_pattern("*", RTE_LOG_ERR);
}

size_t pg_log_text(char *out, size_t size)
{
	size_t take;

	if (size == 0)
		return 0;
	fflush(stream);
	pthread_mutex_lock(&lock);
	take = text_len < size - 1 ? text_len : size - 1;
	memcpy(out, text, take);
	pthread_mutex_unlock(&lock);
	out[take] = '\0';
	return take;
}
