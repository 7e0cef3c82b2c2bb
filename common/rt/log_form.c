/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/log_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/logging.h>
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

#define TIME_LEN         40
#define FORM_TARGETS_MAX 64

extern struct llist_head osmo_log_target_list; /* no header shows it, but libosmovty uses it too */

static struct timespec line_at; /* 0: now */

static const struct {
	unsigned level;
	const char *name, *journal;
} levels[] = {
	{ LOGL_FATAL, "FATAL", "<2>" }, { LOGL_ERROR, "ERROR", "<3>" }, { LOGL_NOTICE, "NOTICE", "<5>" },
	{ LOGL_INFO, "INFO", "<6>" },   { LOGL_DEBUG, "DEBUG", "<7>" },
};

static size_t level_index(unsigned level)
{
	size_t i = 0;

	while (i + 1 < sizeof(levels) / sizeof(levels[0]) && level < levels[i].level)
		i++;
	return i;
}

bool log_form_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && fstat(2, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

/* RFC 3339 with the offset of the local zone */
static void time_text(char out[TIME_LEN])
{
	struct timespec t = line_at;
	struct tm tm;
	long zone;
	size_t n;

	if (!t.tv_sec)
		clock_gettime(CLOCK_REALTIME, &t);
	localtime_r(&t.tv_sec, &tm);
	zone = labs(tm.tm_gmtoff) / 60;
	n = strftime(out, TIME_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, TIME_LEN - n, ".%03ld%c%02ld:%02ld", t.tv_nsec / 1000000, tm.tm_gmtoff < 0 ? '-' : '+',
		 zone / 60, zone % 60);
}

/* A target writes either what it is given, or formats by itself: then with nothing of its own around it. */
typedef void form_raw(struct log_target *target, int cat, unsigned int level, const char *file, int line, int cont,
		      const char *format, va_list ap);

static struct {
	const struct log_target *target;
	form_raw *raw; /* its own; NULL: target->output takes the line */
} adopted[FORM_TARGETS_MAX];

static size_t slot_of(const struct log_target *t)
{
	size_t i = 0;

	while (i < FORM_TARGETS_MAX && adopted[i].target != t)
		i++;
	return i;
}

static void bare(struct log_target *t)
{
	t->use_color = t->print_timestamp = t->print_ext_timestamp = t->print_tid = t->print_category = 0;
	t->print_level = t->print_category_hex = false;
	t->print_filename2 = LOG_FILENAME_NONE;
}

__attribute__((format(printf, 5, 6))) static void call_raw(form_raw *raw, struct log_target *t, int cat,
							   unsigned int level, const char *format, ...)
{
	va_list ap;

	bare(t);
	va_start(ap, format);
	raw(t, cat, level, __FILE__, __LINE__, 0, format, ap);
	va_end(ap);
}

static void form_line(char *out, size_t cap, const struct log_target *t, int cat, unsigned int level, const char *text)
{
	const char *name = log_category_name(cat);
	char when[TIME_LEN];
	size_t i = level_index(level);

	if (t->type == LOG_TGT_TYPE_SYSLOG || t->type == LOG_TGT_TYPE_SYSTEMD) {
		snprintf(out, cap, "%s %s\n", name, text);
	} else if (t->type == LOG_TGT_TYPE_STDERR && log_form_journal()) {
		snprintf(out, cap, "%s%s %s\n", levels[i].journal, name, text);
	} else {
		time_text(when);
		snprintf(out, cap, "%s %s %s %s\n", when, levels[i].name, name, text);
	}
}

__attribute__((format(printf, 7, 0))) static void form_output(struct log_target *target, int cat, unsigned int level,
							      const char *file, int line, int cont, const char *format,
							      va_list ap)
{
	char text[LOG_LINE_MAX + 128], out[LOG_LINE_MAX + 256];
	size_t slot = slot_of(target);

	vsnprintf(text, sizeof(text), format, ap);
	log_line_harmless(text);
	text[strcspn(text, "\n")] = '\0';
	form_line(out, sizeof(out), target, cat, level, text);
	if (slot < FORM_TARGETS_MAX && adopted[slot].raw)
		call_raw(adopted[slot].raw, target, cat, level, "%s", out);
	else if (target->output)
		target->output(target, level, out);
}

static bool is_there(const struct log_target *wanted)
{
	struct log_target *t;

	llist_for_each_entry(t, &osmo_log_target_list, entry)
	{
		if (t == wanted)
			return true;
	}
	return false;
}

/* A slot for t: its own of before, or of one that is gone. */
static size_t slot_for(const struct log_target *t)
{
	size_t slot = slot_of(t);

	for (size_t i = 0; slot == FORM_TARGETS_MAX && i < FORM_TARGETS_MAX; i++) {
		if (!is_there(adopted[i].target))
			slot = i;
	}
	return slot;
}

static bool has_our_form(enum log_target_type type)
{
	return type == LOG_TGT_TYPE_STDERR || type == LOG_TGT_TYPE_FILE || type == LOG_TGT_TYPE_VTY ||
	       type == LOG_TGT_TYPE_SYSLOG || type == LOG_TGT_TYPE_SYSTEMD;
}

void log_form_adopt(void)
{
	struct log_target *t;
	size_t slot;

	llist_for_each_entry(t, &osmo_log_target_list, entry)
	{
		if (t->raw_output == form_output || !has_our_form(t->type))
			continue;
		slot = slot_for(t);
		if (slot == FORM_TARGETS_MAX)
			continue; /* so many watch that this one sees the library's form */
		adopted[slot].target = t;
		adopted[slot].raw = t->raw_output;
		t->raw_output = form_output;
	}
}

void log_form_at(const struct timespec *at)
{
	line_at = *at;
}
