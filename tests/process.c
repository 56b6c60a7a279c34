#include "tests/process.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE 65536

/* Debian keeps PostgreSQL's programs apart, and nginx out of a user's path. */
static void
widen_path(void)
{
	static bool done;
	glob_t found;
	char *wide = NULL;
	const char *path = getenv("PATH");
	const char *newest = "/usr/sbin";

	if (done)
		return;
	done = true;
	if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0)
		newest = found.gl_pathv[found.gl_pathc - 1];
	if (asprintf(&wide, "%s:%s:/usr/local/sbin:/usr/sbin:/sbin", path == NULL ? "/bin" : path,
		newest) < 0)
		abort();
	setenv("PATH", wide, 1);
	free(wide);
	globfree(&found);
}

static void
become(const char *user)
{
	const struct passwd *entry = getpwnam(user);

	if (entry == NULL || initgroups(user, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
	    setuid(entry->pw_uid) != 0) {
		fprintf(stderr, "cannot become the user %s\n", user);
		_exit(127);
	}
}

static void
redirect(int from, int to)
{
	if (from >= 0 && dup2(from, to) < 0)
		_exit(127);
}

/* In the child. input and output: file descriptors, or -1 for ours. */
static void
execute(const struct process *process, pid_t parent, int input, int output)
{
	char *argv[PROCESS_ARGUMENTS_MAX + 1] = { NULL };

	redirect(input, STDIN_FILENO);
	redirect(output, STDOUT_FILENO);
	redirect(output, STDERR_FILENO);
	if (process->user != NULL && geteuid() == 0)
		become(process->user);
	/* Becoming another user clears it, so it comes after that; the parent may be gone by now.
	 */
	prctl(PR_SET_PDEATHSIG, process->death_signal == 0 ? SIGKILL : process->death_signal);
	if (getppid() != parent)
		_exit(127);
	if (process->environment != NULL)
		putenv(strdup(process->environment));
	for (int i = 0; i < PROCESS_ARGUMENTS_MAX && process->argv[i] != NULL; i++)
		argv[i] = strdup(process->argv[i]);
	if (argv[0] != NULL)
		execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", process->argv[0], strerror(errno));
	_exit(127);
}

static pid_t
spawn(const struct process *process, int input, int output)
{
	pid_t parent = getpid();
	pid_t pid;

	widen_path();
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0)
		execute(process, parent, input, output);
	return pid;
}

pid_t
process_start(const struct process *process)
{
	int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int output = -1;
	pid_t pid;

	if (process->log != NULL)
		output = open(process->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	pid = spawn(process, input, output);
	close(input);
	if (output >= 0)
		close(output);
	return pid;
}

long long
process_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void
process_breathe(void)
{
	poll(NULL, 0, 5);
}

int
process_wait(pid_t pid, int timeout_ms)
{
	long long until = process_clock() + timeout_ms;
	int status;

	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid)
			return status;
		if (ended < 0 || process_clock() > until)
			return -1;
		process_breathe();
	}
}

static int
open_input(const char *text)
{
	FILE *file;
	int fd;

	if (text == NULL)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	file = tmpfile();
	if (file == NULL)
		abort();
	fputs(text, file);
	fflush(file);
	fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
	fclose(file);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static char *
read_all(int fd)
{
	size_t len = 0, capacity = READ_SIZE;
	char *text = malloc(capacity + 1);

	for (;;) {
		ssize_t got;

		if (text == NULL)
			abort();
		got = read(fd, text + len, capacity - len);
		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		len += got > 0 ? (size_t)got : 0;
		if (len == capacity) {
			capacity *= 2;
			text = realloc(text, capacity + 1);
		}
	}
	text[len] = '\0';
	return text;
}

int
process_run(const struct process *process, char **ret_output)
{
	int input = open_input(process->input);
	int pipe_fds[2];
	int status;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		abort();
	pid = spawn(process, input, pipe_fds[1]);
	close(input);
	close(pipe_fds[1]);
	*ret_output = read_all(pipe_fds[0]);
	close(pipe_fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
process_sh(const char *command, char **ret_output)
{
	struct process shell = { .argv = { "sh", "-c", command } };

	return process_run(&shell, ret_output);
}

void
process_signal_tree(pid_t pid, int signal)
{
	char path[64];
	char *children;
	char *rest;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	/* The dead have no children. */
	kill(pid, signal == SIGKILL ? SIGSTOP : signal);
	children = process_read_file(path);
	if (signal == SIGKILL)
		kill(pid, SIGKILL);
	if (children == NULL)
		return;
	rest = children;
	for (const char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
		if (*word != '\0')
			kill((pid_t)strtol(word, NULL, 10), signal);
	}
	free(children);
}

char *
process_read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;

	if (fd < 0)
		return NULL;
	text = read_all(fd);
	close(fd);
	return text;
}
