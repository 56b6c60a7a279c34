#include "app/hashing.h"

#include <pthread.h>
#include <string.h>

#include "lib/seal.h"

#define NOBODYS_DIGITS 32

struct hashing {
	struct seal_cost cost;
	int64_t running_max, waiting_max; /* threads */
	pthread_mutex_t mutex; /* guards the two counts */
	pthread_cond_t ended;
	int64_t running, waiting;
	char nobodys[SEAL_PASSWORD_SIZE]; /* the hash of what nobody knows */
};

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

struct hashing *
hashing_new(struct arena *arena, const struct conf *conf)
{
	struct hashing *hashing = arena_alloc(arena, sizeof *hashing);
	int64_t threads = conf->threads > 1 ? conf->threads - 1 : 1;
	char secret[NOBODYS_DIGITS + 1];

	hashing->cost = (struct seal_cost){ conf->password_ops, conf->password_memory_kib };
	hashing->running_max = smaller(conf->password_hashes_at_once, threads);
	hashing->waiting_max = threads - hashing->running_max;
	pthread_mutex_init(&hashing->mutex, NULL);
	pthread_cond_init(&hashing->ended, NULL);
	seal_random_base62(secret, NOBODYS_DIGITS);
	seal_password((struct text){ secret, NOBODYS_DIGITS }, hashing->cost, hashing->nobodys);
	return hashing;
}

bool
hashing_enter(struct task *task, struct hashing *hashing)
{
	bool admitted;

	pthread_mutex_lock(&hashing->mutex);
	admitted =
	    hashing->running < hashing->running_max || hashing->waiting < hashing->waiting_max;
	if (admitted) {
		hashing->waiting++;
		while (hashing->running == hashing->running_max)
			pthread_cond_wait(&hashing->ended, &hashing->mutex);
		hashing->waiting--;
		hashing->running++;
	}
	pthread_mutex_unlock(&hashing->mutex);
	return admitted || task_fail_later(task, 1, "Too many passwords are being checked.");
}

void
hashing_leave(struct hashing *hashing)
{
	pthread_mutex_lock(&hashing->mutex);
	hashing->running--;
	pthread_cond_signal(&hashing->ended);
	pthread_mutex_unlock(&hashing->mutex);
}

static struct text
as_text(const char *password)
{
	return (struct text){ password, strlen(password) };
}

static const char *
make(struct task *task, const struct hashing *hashing, const char *password)
{
	char *hash = arena_alloc(task->arena, SEAL_PASSWORD_SIZE);

	seal_password(as_text(password), hashing->cost, hash);
	return hash;
}

bool
hashing_make(struct task *task, struct hashing *hashing, const char *password, const char **ret)
{
	if (!hashing_enter(task, hashing))
		return false;
	*ret = make(task, hashing, password);
	hashing_leave(hashing);
	return true;
}

static bool
is_bearable(const struct hashing *hashing, const char *hash)
{
	struct seal_cost cost;

	return hash != NULL && seal_password_cost(hash, &cost) &&
	       cost.memory_kib <= larger(HASHING_GIVEN_MAX_KIB, hashing->cost.memory_kib) &&
	       cost.ops <= larger(HASHING_GIVEN_MAX_OPS, hashing->cost.ops);
}

bool
hashing_check(struct task *task, struct hashing *hashing, const char *password, const char *hash,
    bool *ret_right, const char **ret_better)
{
	bool known = is_bearable(hashing, hash);

	if (!hashing_enter(task, hashing))
		return false;
	*ret_right = seal_password_right(as_text(password), known ? hash : hashing->nobodys);
	*ret_right = *ret_right && known;
	*ret_better = NULL;
	if (*ret_right && seal_password_outdated(hash, hashing->cost))
		*ret_better = make(task, hashing, password);
	hashing_leave(hashing);
	return true;
}
