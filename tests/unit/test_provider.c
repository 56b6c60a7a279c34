#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/ingest/provider.h"

static int
setup(void **state)
{
	struct task *task = calloc(1, sizeof(*task));

	task_init(task, arena_new());
	*state = task;
	return 0;
}

static int
teardown(void **state)
{
	struct task *task = *state;

	arena_free(task->arena);
	free(task);
	return 0;
}

static const struct {
	const char *said;
	const char *name;
} rows[] = {
	{ "openai", "openai" },
	{ "OpenAI", "openai" },
	{ "openai.chat", "openai" },
	{ "anthropic.messages", "anthropic" },
	{ "aws.bedrock", "bedrock" },
	{ "azure.ai.openai", "azure" },
	{ "azure.ai.inference", "azure_ai" },
	{ "azure-openai.chat", "azure" },
	{ "gcp.gemini", "gemini" },
	{ "gcp.vertex_ai", "vertex_ai" },
	{ "google.generative-ai", "gemini" },
	{ "google.vertex.chat", "vertex_ai" },
	{ "x_ai", "xai" },
	{ "mistral_ai", "mistral" },
	{ "bedrock", "bedrock" },
	{ "Our.Own", "our.own" },
	{ ".", "." },
};

static void
providers_are_called_as_the_price_list_does(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *name =
		    provider_name(task, (struct text){ rows[i].said, strlen(rows[i].said) });

		if (strcmp(name, rows[i].name) != 0)
			fail_msg("%s: %s", rows[i].said, name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    providers_are_called_as_the_price_list_does, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
