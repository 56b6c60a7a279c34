/*
 * What tallyd's parts share for the life of the process. Each member is thread-safe or never
 * changes.
 */
#ifndef APP_APP_H
#define APP_APP_H

#include "lib/conf.h"
#include "lib/db.h"
#include "lib/redis.h"
#include "lib/seal.h"

struct cache;
struct events;
struct hashing;
struct ingest;
struct server;
struct today;
struct usage_memory;

struct app {
	struct conf conf;
	struct seal_keys seal_keys; /* of conf */
	struct db_pool_settings database;
	struct redis_settings redis;
	struct db_pool *pool;
	struct cache *cache; /* keys, clients, prices: app/cache.h */
	struct events *events; /* who listens to them: app/events.h */
	struct hashing *hashing; /* of passwords: app/hashing.h */
	struct ingest *ingest; /* the write path: app/ingest/ingest.h */
	struct today *today; /* who waits for the open day: app/api/today.h */
	struct usage_memory *usage_memory; /* lib/model/usage_memory.h; NULL: nothing is kept */
	struct server *server;
	int64_t started_at;
};

#endif
