#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/server.h"

#define LISTEN_BACKLOG 4096

int
server_listen(const char *address)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const char *path = address + strlen("unix:");

	if (strncmp(address, "unix:", strlen("unix:")) != 0 || path[0] == '\0' ||
	    strlen(path) >= sizeof(name.sun_path)) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	memcpy(name.sun_path, path, strlen(path) + 1);
	const struct sockaddr *to = (const struct sockaddr *)&name;
	bool taken = connect(fd, to, sizeof(name)) == 0;
	if (!taken && errno == ECONNREFUSED)
		unlink(path);
	if (!taken && bind(fd, to, sizeof(name)) == 0 && chmod(path, 0660) == 0 &&
	    listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	int reason = taken ? EADDRINUSE : errno;
	close(fd);
	errno = reason;
	return -1;
}
