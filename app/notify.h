/*
 * What tallyd tells the service manager: the protocol of sd_notify(3), so that no library is
 * needed.
 */
#ifndef APP_NOTIFY_H
#define APP_NOTIFY_H

/* state: "READY=1", "STOPPING=1". Does nothing where NOTIFY_SOCKET names no socket of this machine.
 */
void notify_manager(const char *state);

#endif
