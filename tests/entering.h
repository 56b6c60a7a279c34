/* Users with passwords, and logging in, for tests through nginx. */
#ifndef TESTS_ENTERING_H
#define TESTS_ENTERING_H

#define ENTERING_PASSWORD "correct horse"
#define ENTERING_OTHER "battery staple"

/* The id of a new user of a new client, with the password. */
const char *entering_add_user(const char *client, const char *body);
/* The status of setting a password; members of the body. */
long entering_set_password(const char *id, const char *members);
/* That of logging in; who: a member of the body. */
long entering_login(const char *who, const char *password);

#endif
