/*
 * /v1/prompts: what a prompt's text tells, embeddings, prompts like another, groups of
 * near-duplicates.
 */
#ifndef APP_API_PROMPTS_H
#define APP_API_PROMPTS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field prompts_embed_fields[5];
extern const struct json_field prompts_similar_fields[6];
extern const struct json_field prompts_duplicates_fields[5];

bool prompts_analyze(struct request *req, struct reply *reply);
bool prompts_find_analysis(struct request *req, struct reply *reply);
bool prompts_embed(struct request *req, struct reply *reply);
bool prompts_similar(struct request *req, struct reply *reply);
bool prompts_duplicates(struct request *req, struct reply *reply);

#endif
