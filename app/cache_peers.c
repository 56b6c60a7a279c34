#include "app/cache_private.h"

#include <stdlib.h>
#include <string.h>

#include "lib/address.h"

#define MINUTE (60 * CLOCK_SECOND)
#define WAYS 4 /* places that one peer may take */
_Static_assert(CACHE_PEERS_MAX % WAYS == 0, "whole sets");

struct cache_peers {
	int64_t max; /* failures in a minute; 0: any number */
	/* Makes it impossible to choose addresses that share a place. */
	uint8_t secret[SEAL_KEY_SIZE];
	/* 32 bits of the peer, 16 of the minute, 16 of the count. */
	_Atomic uint64_t failures[CACHE_PEERS_MAX];
	/* Hashes of public ids that exist, each in its place. */
	_Atomic uint64_t trusted[CACHE_PEERS_TRUSTED_MAX];
};

/* Memory that is never touched is never the process's own. */
struct cache_peers *
cache_peers_new(int64_t max)
{
	struct cache_peers *peers = calloc(1, sizeof *peers);

	if (!peers)
		abort();
	peers->max = max;
	seal_random(peers->secret, sizeof peers->secret);
	return peers;
}

void
cache_peers_free(struct cache_peers *peers)
{
	free(peers);
}

static uint64_t
hash(const struct cache_peers *peers, const void *bytes, size_t len)
{
	uint8_t digest[SEAL_KEY_SIZE];
	uint64_t number;

	seal_derive((struct text){ (const char *)peers->secret, sizeof peers->secret },
	    (struct text){ bytes, len }, digest);
	memcpy(&number, digest, sizeof number);
	return number;
}

/* Whoever has no address (a proxy on a Unix socket) is the peer ::/64, as loopback is. */
static uint64_t
hash_address(const struct cache_peers *peers, const char *address)
{
	uint8_t network[ADDRESS_NETWORK_SIZE];

	if (!address_network(address, network))
		memset(network, 0, sizeof network);
	return hash(peers, network, sizeof network);
}

/* What the peer's entry of this minute holds but for its count. */
static uint64_t
make_entry(uint64_t peer, int64_t now)
{
	return peer << 32 | (uint64_t)(now / MINUTE & UINT16_MAX) << 16;
}

static int64_t
read_count(uint64_t entry)
{
	return (int64_t)(entry & UINT16_MAX);
}

static bool
same_minute(uint64_t a, uint64_t b)
{
	return (uint16_t)(a >> 16) == (uint16_t)(b >> 16);
}

static bool
same_peer(uint64_t a, uint64_t b)
{
	return a >> 16 == b >> 16;
}

/* The peer's place; else one of another minute; else that of the peer that failed least. */
static _Atomic uint64_t *
find_place(struct cache_peers *peers, uint64_t peer, uint64_t mine, uint64_t *ret_entry)
{
	_Atomic uint64_t *set = &peers->failures[(peer >> 32) % (CACHE_PEERS_MAX / WAYS) * WAYS];
	_Atomic uint64_t *place = NULL;
	int64_t least = INT64_MAX;

	for (int i = 0; i < WAYS; i++) {
		uint64_t entry = atomic_load_explicit(&set[i], memory_order_relaxed);
		int64_t count = same_minute(entry, mine) ? read_count(entry) : 0;

		if (same_peer(entry, mine)) {
			*ret_entry = entry;
			return &set[i];
		}
		if (count < least) {
			least = count;
			place = &set[i];
			*ret_entry = entry;
		}
	}
	return place;
}

bool
cache_peers_refuses(struct cache_peers *peers, const char *address, int64_t now)
{
	uint64_t peer, mine, entry;

	if (peers->max == 0)
		return false;
	peer = hash_address(peers, address);
	mine = make_entry(peer, now);
	(void)find_place(peers, peer, mine, &entry);
	return same_peer(entry, mine) && read_count(entry) >= peers->max;
}

bool
cache_peers_add(struct cache_peers *peers, const char *address, int64_t now)
{
	uint64_t peer, mine, entry;
	_Atomic uint64_t *place;
	int64_t count;

	if (peers->max == 0)
		return true;
	peer = hash_address(peers, address);
	mine = make_entry(peer, now);
	do {
		place = find_place(peers, peer, mine, &entry);
		count = same_peer(entry, mine) ? read_count(entry) : 0;
		if (count >= peers->max)
			return false;
	} while (!atomic_compare_exchange_strong(place, &entry, mine | (uint64_t)(count + 1)));
	return true;
}

void
cache_peers_trust(struct cache_peers *peers, const char *public_id, bool exists)
{
	uint64_t id = hash(peers, public_id, strlen(public_id));
	uint64_t other = id;

	if (exists)
		atomic_store_explicit(
		    &peers->trusted[id % CACHE_PEERS_TRUSTED_MAX], id, memory_order_relaxed);
	else
		atomic_compare_exchange_strong(
		    &peers->trusted[id % CACHE_PEERS_TRUSTED_MAX], &other, 0);
}

bool
cache_peers_trusts(struct cache_peers *peers, const char *public_id)
{
	uint64_t id = hash(peers, public_id, strlen(public_id));

	return atomic_load_explicit(
		   &peers->trusted[id % CACHE_PEERS_TRUSTED_MAX], memory_order_relaxed) == id;
}

int
cache_peers_retry_after(int64_t now)
{
	return (int)((MINUTE - now % MINUTE + CLOCK_SECOND - 1) / CLOCK_SECOND);
}
