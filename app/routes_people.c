/* The chapter of users, log-ins, sessions, tokens and clients. */
#include "app/routes.h"

#include "app/api/api_keys.h"
#include "app/api/audit.h"
#include "app/api/auth_tokens.h"
#include "app/api/chat_logs.h"
#include "app/api/clients.h"
#include "app/api/erasures.h"
#include "app/api/login.h"
#include "app/api/mfa.h"
#include "app/api/sessions.h"
#include "app/api/usage_stats.h"
#include "app/api/users.h"
#include "app/api/users_export.h"
#include "app/rest.h"
#include "lib/model/auth_token.h"
#include "lib/model/client.h"
#include "lib/model/session.h"
#include "lib/model/user.h"

static const struct route rows[] = {
	REST_ADD("/v1/users", SCOPE_USERS, user_resource, "a user", ),
	REST_LIST("/v1/users", SCOPE_USERS, user_resource, "Users, in the order of their ids",
	    .bound = true),
	REST_COUNT("/v1/users", SCOPE_USERS, user_resource, "users", ),
	REST_FIND("/v1/users", SCOPE_USERS, user_resource, "a user", .bound = true),
	REST_CHANGE("/v1/users", SCOPE_USERS, user_resource, "a user", .changed = users_changed),
	REST_REMOVE("/v1/users", SCOPE_USERS, user_resource,
	    "a user; purge removes it for good after the grace period", ),
	REST_RESTORE("/v1/users", SCOPE_USERS, user_resource, "a user", ),
	{ "POST", "/v1/users/{id}/password", users_set_password, SCOPE_USERS,
	    BODY(users_set_password_fields), .secret_body = true, .status = 204,
	    .summary =
		"Sets a user's password, which is kept as its argon2id hash; the old one is "
		"asked for where current_password is given. Ends the user's sessions, but that of "
		"session_token, and tokens, but no API keys." },
	{ "POST", "/v1/users/{id}/email-verification", users_verify_email, SCOPE_USERS,
	    .status = 202,
	    .summary = "Makes a token for a user's address, which goes to the client's webhooks "
		       "as user.email_verification and nowhere else; it takes the place of an "
		       "earlier one, and holds for a day. 409 where no webhook wants it." },
	{ "POST", "/v1/users/{id}/mfa", mfa_post, SCOPE_USERS, BODY(mfa_post_fields),
	    .body_optional = true, .secret = true, .status = 201,
	    .summary = "Makes the secret of an authenticator (TOTP), shown this once; it counts "
		       "once it is confirmed." },
	{ "POST", "/v1/users/{id}/mfa/confirm", mfa_post_confirm, SCOPE_USERS,
	    BODY(mfa_post_confirm_fields), .secret = true, .status = 200,
	    .summary = "A first code: from here on logging in asks for one. Shows recovery codes, "
		       "this once." },
	{ "POST", "/v1/users/{id}/mfa/verify", mfa_post_verify, SCOPE_USERS,
	    BODY(mfa_post_verify_fields), .secret_body = true, .status = 200,
	    .summary = "Takes a code, which holds once; 401 where it is wrong. Failures count as "
		       "those of logging in do." },
	{ "POST", "/v1/users/{id}/mfa/recovery-codes", mfa_post_codes, SCOPE_USERS, .secret = true,
	    .status = 200, .summary = "New recovery codes in place of the old, shown this once." },
	{ "DELETE", "/v1/users/{id}/mfa", mfa_delete, SCOPE_USERS, .status = 204,
	    .summary = "Takes a user's second factor away." },
	{ "POST", "/v1/users/{id}/sessions/revoke", sessions_revoke_user, SCOPE_USERS,
	    .bound = true, .status = 200, .summary = "Ends all sessions of a user." },
	{ "POST", "/v1/users/{id}/erase", erasures_add, SCOPE_USERS, .status = 202,
	    .summary = "Takes a user out of all that is kept, for good: the user is gone at once, "
		       "the rest with the next run of tally erase. What was spent stays." },
	{ "GET", "/v1/users/{id}/export", users_export, SCOPE_USERS, .status = 200,
	    .gives = "application/x-ndjson",
	    .summary = "All that is kept of a user, without secrets: NDJSON, a line for each row "
		       "of each table. The key needs the scopes logs:read, budgets:read, credits, "
		       "conversations, tools and admin, too: what they read is among it." },
	{ "GET", "/v1/erasures", erasures_list, SCOPE_USERS, QUERY(erasures_list_fields),
	    .status = 200, .summary = "Receipts of erasures, newest first." },
	{ "GET", "/v1/erasures/{id}", erasures_find, SCOPE_USERS, .status = 200,
	    .summary = "What an erasure has removed, by table." },
	{ "GET", "/v1/users/{id}/chat-logs", chat_logs_of_user, SCOPE_LOGS_READ,
	    QUERY(chat_logs_of_user_fields), .bound = true, .status = 200,
	    .summary = "A user's records, newest first; CSV and NDJSON by Accept." },
	{ "GET", "/v1/users/{id}/usage", usage_stats_of_user, SCOPE_LOGS_READ, .bound = true,
	    .status = 200, .summary = "A user's calls and cost, today and in all." },

	{ "POST", "/v1/auth/login", login_post, SCOPE_USERS, BODY(login_post_fields),
	    .secret = true, .secret_body = true, .status = 201,
	    .summary = "Opens a session for who knows the password of an active user; its token is "
		       "shown this once. 401 is the same for every reason, being locked out after "
		       "too many failures among them." },

	{ "POST", "/v1/auth/verify-email", login_verify_email, SCOPE_USERS,
	    BODY(login_verify_email_fields), .secret_body = true, .status = 200,
	    .summary = "Takes a token that the user's mail has shown: the address is verified." },

	REST_ADD("/v1/sessions", SCOPE_USERS, session_resource,
	    "a session; its token is shown this once", .fill = sessions_fill, .bound = true,
	    .secret = true),
	REST_LIST("/v1/sessions", SCOPE_USERS, session_resource,
	    "Sessions, newest first, ended ones too", .bound = true),
	{ "GET", "/v1/sessions/current", sessions_current, SCOPE_USERS, .bound = true,
	    .header = "X-Session-Token", .status = 200,
	    .summary = "The session whose token stands in X-Session-Token." },
	REST_FIND("/v1/sessions", SCOPE_USERS, session_resource, "a session", .bound = true),
	{ "POST", "/v1/sessions/{id}/extend", sessions_extend, SCOPE_USERS,
	    BODY(sessions_extend_fields), .bound = true, .status = 200,
	    .summary = "Moves a session's end, never to an earlier time." },
	{ "DELETE", "/v1/sessions/{id}", sessions_revoke, SCOPE_USERS, .bound = true, .status = 204,
	    .summary = "Ends a session." },

	REST_ADD("/v1/auth-tokens", SCOPE_USERS, auth_token_resource,
	    "a token that may do no more than the key that asks; it is shown this once",
	    .fill = auth_tokens_fill, .secret = true),
	REST_LIST("/v1/auth-tokens", SCOPE_USERS, auth_token_resource,
	    "Tokens, newest first, revoked and expired ones too", ),
	REST_COUNT("/v1/auth-tokens", SCOPE_USERS, auth_token_resource, "tokens", ),
	REST_FIND("/v1/auth-tokens", SCOPE_USERS, auth_token_resource, "a token", ),
	REST_CHANGE("/v1/auth-tokens", SCOPE_USERS, auth_token_resource, "a token",
	    .fill = auth_tokens_fill, .changed = auth_tokens_changed),
	{ "DELETE", "/v1/auth-tokens/{id}", auth_tokens_revoke, SCOPE_USERS, .status = 204,
	    .summary =
		"Revokes a token; with a refresh token, all that came of it; with a key, all that "
		"was made with it." },
	{ "POST", "/v1/auth-tokens/refresh", auth_tokens_refresh, SCOPE_USERS,
	    BODY(auth_tokens_refresh_fields), .secret = true, .status = 200,
	    .summary =
		"Gives a new session token and a new refresh token in place of those before." },

	{ "GET", "/v1/audit-log", audit_entries_list, SCOPE_ADMIN, .operators = true,
	    QUERY(audit_list_fields), .status = 200,
	    .summary = "Who changed what, newest first; CSV and NDJSON by Accept. Of every client "
		       "for operators." },

	REST_ADD("/v1/clients", SCOPE_OPERATOR, client_resource, "a client", ),
	REST_LIST("/v1/clients", SCOPE_OPERATOR, client_resource, "Clients, newest first", ),
	REST_COUNT("/v1/clients", SCOPE_OPERATOR, client_resource, "clients", ),
	REST_FIND("/v1/clients", SCOPE_OPERATOR, client_resource, "a client", ),
	REST_CHANGE("/v1/clients", SCOPE_OPERATOR, client_resource, "a client", ),
	{ "POST", "/v1/clients/{id}/deactivate", clients_deactivate, SCOPE_OPERATOR, .status = 200,
	    .summary = "Ends a client: its keys stop working." },
	{ "POST", "/v1/clients/{id}/api-keys", api_keys_add, SCOPE_OPERATOR,
	    BODY(api_keys_add_fields), .secret = true, .status = 201,
	    .summary = "Adds a key, which is shown this once." },
	{ "GET", "/v1/clients/{id}/api-keys", api_keys_list, SCOPE_OPERATOR,
	    QUERY(api_keys_list_fields), .status = 200,
	    .summary = "A client's keys, newest first, revoked and expired ones too." },
	{ "GET", "/v1/clients/{id}/api-keys/{key_id}", api_keys_find, SCOPE_OPERATOR, .status = 200,
	    .summary = "Shows a key." },
	{ "PATCH", "/v1/clients/{id}/api-keys/{key_id}", api_keys_change, SCOPE_OPERATOR,
	    BODY(api_keys_change_fields), .if_match = true, .status = 200,
	    .summary = "Changes a key: what is given." },
	{ "DELETE", "/v1/clients/{id}/api-keys/{key_id}", api_keys_revoke, SCOPE_OPERATOR,
	    .status = 204, .summary = "Revokes a key." },
	{ "POST", "/v1/clients/{id}/api-keys/{key_id}/rotate", api_keys_rotate, SCOPE_OPERATOR,
	    BODY(api_keys_rotate_fields), .body_optional = true, .secret = true, .status = 201,
	    .summary =
		"Makes a new key in place of one, which works on for a while. Both are counted"
		" as one, by their lineage_id." },
};

const struct routes routes_people = { rows, COUNT(rows) };
