/*
 * The checks of doctor. Each says what it found and, where that is not well, how to mend it.
 */
#ifndef WORKER_DOCTOR_H
#define WORKER_DOCTOR_H

#include "worker/command.h"

#define DOCTOR_TEXT_MAX 400

struct finding {
	bool bad;
	char text[DOCTOR_TEXT_MAX]; /* what was found */
	const char *mend; /* what to do about it */
};

/*
 * context->task is fresh, with a pool of the role that the check asks for. False: the check itself
 * could not be made, and the task says why.
 */
typedef bool doctor_check(struct command_context *context, struct finding *finding);

struct doctor_row {
	const char *name;
	enum command_role role;
	doctor_check *check;
	const char *mend; /* also when the check could not be made */
};

/* Notes something bad; always true, so that a check can return it. */
bool doctor_bad(struct finding *finding, const char *format, ...) PRINTF(2, 3);
bool doctor_good(struct finding *finding, const char *format, ...) PRINTF(2, 3);

doctor_check doctor_server_version, doctor_role, doctor_owner, doctor_clock, doctor_migrations;
doctor_check doctor_isolation, doctor_grants, doctor_partitions, doctor_strays, doctor_jobs;
doctor_check doctor_rollups, doctor_seal;
doctor_check doctor_redis, doctor_redis_memory, doctor_socket, doctor_zones, doctor_disk;

#endif
