/* A token as text, and what operators see of a key. */
#include "lib/model/auth_token_private.h"

#include <string.h>

#include "lib/gzip.h"
#include "lib/seal.h"

#define OLD_LENGTH (AUTH_TOKEN_KEY_SIZE - 1 - AUTH_TOKEN_CHECK_DIGITS)

static bool
is_base62(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool digit = at[i] >= '0' && at[i] <= '9';
		bool letter = (at[i] | 0x20) >= 'a' && (at[i] | 0x20) <= 'z';

		if (!digit && !letter)
			return false;
	}
	return true;
}

/* The CRC-32 in base 62, the first digit the highest. */
static void
write_check(struct text of, char out[AUTH_TOKEN_CHECK_DIGITS])
{
	static const char alphabet[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint32_t rest = gzip_checksum(of);

	for (int i = AUTH_TOKEN_CHECK_DIGITS - 1; i >= 0; i--) {
		out[i] = alphabet[rest % (sizeof alphabet - 1)];
		rest /= sizeof alphabet - 1;
	}
}

void
auth_token_add_check(char key[AUTH_TOKEN_KEY_SIZE])
{
	write_check((struct text){ key, OLD_LENGTH }, key + OLD_LENGTH);
	key[AUTH_TOKEN_KEY_SIZE - 1] = '\0';
}

void
auth_token_make(char key[AUTH_TOKEN_KEY_SIZE])
{
	char *end = key;

	memcpy(end, AUTH_TOKEN_PREFIX, sizeof AUTH_TOKEN_PREFIX - 1);
	end += sizeof AUTH_TOKEN_PREFIX - 1;
	seal_random_base62(end, AUTH_TOKEN_PUBLIC_DIGITS);
	end += AUTH_TOKEN_PUBLIC_DIGITS;
	*end++ = '_';
	seal_random_base62(end, AUTH_TOKEN_SECRET_DIGITS);
	auth_token_add_check(key);
}

static bool
is_right(struct text key)
{
	char check[AUTH_TOKEN_CHECK_DIGITS];

	if (key.len == OLD_LENGTH)
		return true;
	write_check((struct text){ key.at, OLD_LENGTH }, check);
	return memcmp(check, key.at + OLD_LENGTH, sizeof check) == 0;
}

enum auth_token_form
auth_token_parse(struct text key, struct auth_token_parts *ret)
{
	const size_t before = sizeof AUTH_TOKEN_PREFIX - 1 + AUTH_TOKEN_PUBLIC_DIGITS + 1;
	const char *public_id, *secret;

	if (key.len != AUTH_TOKEN_KEY_SIZE - 1 && key.len != OLD_LENGTH)
		return AUTH_TOKEN_NO_KEY;
	if (memcmp(key.at, AUTH_TOKEN_PREFIX, sizeof AUTH_TOKEN_PREFIX - 1) != 0)
		return AUTH_TOKEN_NO_KEY;
	public_id = key.at + sizeof AUTH_TOKEN_PREFIX - 1;
	secret = key.at + before;
	if (secret[-1] != '_' || !is_base62(public_id, AUTH_TOKEN_PUBLIC_DIGITS) ||
	    !is_base62(secret, key.len - before))
		return AUTH_TOKEN_NO_KEY;
	if (!is_right(key))
		return AUTH_TOKEN_MISTYPED;
	*ret = (struct auth_token_parts){ 0 };
	memcpy(ret->public_id, public_id, AUTH_TOKEN_PUBLIC_DIGITS);
	if (key.len == OLD_LENGTH)
		memcpy(ret->secret, secret, AUTH_TOKEN_SECRET_DIGITS);
	else
		memcpy(ret->secret, key.at, key.len);
	return AUTH_TOKEN_KEY;
}

static void
write_time(struct json_out *out, const char *key, int64_t usec)
{
	if (usec == 0)
		json_null(out, key);
	else
		json_time(out, key, usec);
}

static void
write_members(struct json_out *out, const struct auth_token *token)
{
	json_id(out, "id", token->head.id);
	json_text(out, "name", token->name);
	json_text(out, "public_id", token->public_id);
	json_texts(out, "scopes", token->scopes);
	json_bool(out, "active", token->active);
	json_id(out, "user_id", token->user);
	if (token->allowed_addresses.at == NULL)
		json_null(out, "allowed_addresses");
	else
		json_texts(out, "allowed_addresses", token->allowed_addresses);
	write_time(out, "expires_at", token->expires_at);
	if (token->rate_limit_per_hour == RESOURCE_NONE)
		json_null(out, "rate_limit_per_hour");
	else
		json_int(out, "rate_limit_per_hour", token->rate_limit_per_hour);
	write_time(out, "last_used_at", token->last_used_at);
	json_text(out, "last_used_ip", token->last_used_ip);
	json_int(out, "usage_count", token->usage_count);
	json_id(out, "rotated_to", token->rotated_to);
	json_id(out, "lineage_id", token->lineage);
	json_time(out, "created_at", token->head.created_at);
}

void
auth_token_write(struct json_out *out, const void *token)
{
	json_open(out);
	write_members(out, token);
	json_close(out);
}

void
auth_token_write_shown(struct json_out *out, const void *token)
{
	json_open(out);
	write_members(out, token);
	json_text(out, "key", ((const struct auth_token *)token)->token);
	json_close(out);
}
