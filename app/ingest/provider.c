#include "app/ingest/provider.h"

#include <ctype.h>
#include <string.h>

/* As the conventions of OpenTelemetry, OpenInference and common SDKs name them. A suffix behind a
 * point, as in openai.chat, names the provider's interface. */
static const struct {
	const char *said;
	const char *name;
} names[] = {
	{ "amazon-bedrock", "bedrock" },
	{ "anthropic", "anthropic" },
	{ "aws", "bedrock" },
	{ "aws.bedrock", "bedrock" },
	{ "aws_bedrock", "bedrock" },
	{ "az.ai.inference", "azure_ai" },
	{ "az.ai.openai", "azure" },
	{ "azure", "azure" },
	{ "azure-openai", "azure" },
	{ "azure.ai.inference", "azure_ai" },
	{ "azure.ai.openai", "azure" },
	{ "cohere", "cohere" },
	{ "deepseek", "deepseek" },
	{ "gcp.gemini", "gemini" },
	{ "gcp.gen_ai", "gemini" },
	{ "gcp.vertex_ai", "vertex_ai" },
	{ "google", "gemini" },
	{ "google.generative-ai", "gemini" },
	{ "google.vertex", "vertex_ai" },
	{ "groq", "groq" },
	{ "ibm.watsonx.ai", "watsonx" },
	{ "mistral", "mistral" },
	{ "mistral_ai", "mistral" },
	{ "mistralai", "mistral" },
	{ "moonshot_ai", "moonshot" },
	{ "openai", "openai" },
	{ "perplexity", "perplexity" },
	{ "vertexai", "vertex_ai" },
	{ "x_ai", "xai" },
	{ "xai", "xai" },
};

/* Under what other names the price list has models of a provider. */
static const struct {
	const char *name;
	const char *listed;
} listings[] = {
	{ "gemini", "vertex_ai-language-models" },
	{ "gemini", "vertex_ai-embedding-models" },
	{ "openai", "text-completion-openai" },
	{ "vertex_ai", "vertex_ai-language-models" },
	{ "vertex_ai", "vertex_ai-embedding-models" },
	{ "vertex_ai", "vertex_ai-anthropic_models" },
	{ "vertex_ai", "gemini" },
};

static const char *
find_name(const char *said)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(names[i].said, said) == 0)
			return names[i].name;
	}
	return NULL;
}

const char *
provider_name(struct task *task, struct text said)
{
	char *whole = arena_strndup(task->arena, said.at, said.len);
	char *cut, *point;
	const char *name;

	for (char *c = whole; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	cut = arena_strdup(task->arena, whole);
	while ((name = find_name(cut)) == NULL && (point = strrchr(cut, '.')) != NULL)
		*point = '\0';
	return name != NULL ? name : whole;
}

static bool
has_price(struct task *task, struct cache *cache, const char *provider, const char *model,
    int64_t at, bool *ret)
{
	struct price price;

	return cache_find_price(task, cache, provider, model, at, ret, &price);
}

/* *ret_listed: the provider in whose name the list has the model, NULL: in none. */
static bool
find_listing(struct task *task, struct cache *cache, const char *provider, const char *model,
    int64_t at, const char **ret_listed)
{
	bool found;

	*ret_listed = NULL;
	if (!has_price(task, cache, provider, model, at, &found))
		return false;
	if (found)
		*ret_listed = provider;
	for (size_t i = 0; provider != NULL && i < COUNT(listings) && !found; i++) {
		if (strcmp(listings[i].name, provider) != 0)
			continue;
		if (!has_price(task, cache, listings[i].listed, model, at, &found))
			return false;
		if (found)
			*ret_listed = listings[i].listed;
	}
	return true;
}

bool
provider_choose_model(struct task *task, struct cache *cache, const char *provider,
    const char *const *models, size_t count, struct record_input *input)
{
	struct chat_log *log = &input->log;

	log->provider = provider;
	for (size_t i = 0; i < count && input->priced_as == NULL; i++) {
		if (models[i] == NULL)
			continue;
		if (log->model == NULL)
			log->model = models[i];
		if (!find_listing(
			task, cache, provider, models[i], log->created_at, &input->priced_as))
			return false;
		if (input->priced_as != NULL)
			log->model = models[i];
	}
	return true;
}
