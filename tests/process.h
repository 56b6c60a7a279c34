/*
 * Child processes of a test program. None outlives it: the kernel sends each the signal it was
 * given for the parent's death. The parent is the thread that started it, so start from main's.
 */
#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#define PROCESS_ARGUMENTS_MAX 32

struct process {
	const char *argv[PROCESS_ARGUMENTS_MAX]; /* found in PATH and where Debian keeps servers */
	const char *user; /* to become when we are root; NULL: stays */
	const char *log; /* file for its output; NULL: ours */
	const char *environment; /* one more variable, NAME=value; NULL: none */
	const char *input; /* text for its standard input; NULL: none */
	int death_signal;
};

pid_t process_start(const struct process *process);
/* Wait status; -1: it still runs after timeout_ms. */
int process_wait(pid_t pid, int timeout_ms);
/* Runs to the end; exit status, 128 + signal when it was killed. Its output, also of standard
 * error, goes to *ret_output (free). */
int process_run(const struct process *process, char **ret_output);
/* The same of a shell's command. */
int process_sh(const char *command, char **ret_output);

/* The signal to the process and its children. */
void process_signal_tree(pid_t pid, int signal);

/* The whole file, terminated; NULL when it cannot be read. Free it. */
char *process_read_file(const char *path);

/* Milliseconds of a clock that never goes back. */
long long process_clock(void);
/* A breath between two looks at a condition. */
void process_breathe(void);

#endif
