/*
 * A call of a model under a budget: authorize, call, settle. With the fetch of node 18 or later.
 *
 *     TALLY_URL=http://127.0.0.1:8080 TALLY_API_KEY=tally_... node authorize.js [CALL]
 *
 * The key needs the scopes authorize and budgets:read. CALL is the application's own name of this
 * call: run again with it, the call is authorized and stored once. Exit status 3: refused.
 */
'use strict';

const { randomUUID } = require('node:crypto');
const { TALLY_URL, TALLY_API_KEY } = process.env;
const what = { external_user_id: 'ada', feature: 'chat', provider: 'openai', model: 'gpt-4o-mini' };
let patience = 60; // seconds that are waited in all, of what Retry-After asks for

// 503, 429 or no answer: not now, so the same again, with the same Idempotency-Key: what was done
// before the answer was lost is not done twice.
async function ask(method, path, body, more = {}) {
	const headers = { Authorization: `Bearer ${TALLY_API_KEY}`, ...more };
	if (body) headers['Content-Type'] = 'application/json';
	for (;;) {
		let status = 'nothing', wait = 1;
		try {
			const signal = AbortSignal.timeout(30000);
			const options = { method, headers, body: body && JSON.stringify(body), signal };
			const answer = await fetch(TALLY_URL + path, options);
			status = answer.status;
			wait = Number(answer.headers.get('Retry-After') ?? Infinity);
			if (![429, 503].includes(status) || wait > patience) return answer;
		} catch (problem) {
			if (wait > patience) throw problem;
		}
		patience -= wait;
		console.error(`Tally answers ${status}: again in ${wait} s`);
		await new Promise((done) => setTimeout(done, wait * 1000));
	}
}

// Any other status ends the program.
async function need(answer, ...statuses) {
	if (statuses.includes(answer.status)) return answer.json();
	throw new Error(`Tally answers ${answer.status}: ${await answer.text()}`);
}

// In place of the provider's API: its answer, and the tokens that it says it has used.
async function callModel() {
	console.error('The model is called.');
	return { text: 'A budget is a limit.', usage: { input_tokens: 1200, output_tokens: 350 } };
}

async function main(call = randomUUID()) {
	const limits = { input_tokens: 1200, max_output_tokens: 1000 };
	const first = await ask('POST', '/v1/authorizations', { ...what, ...limits },
		{ 'Idempotency-Key': call });
	if (first.status === 402 || first.status === 429) {
		const { detail, reason, budget = {} } = await first.json();
		console.error(`Refused: ${detail} ${budget.name ?? reason ?? 'no budget'}, ` +
			`${budget.remaining_cents ?? '?'} cents left, resets at ${budget.resets_at ?? '?'}`);
		return 3;
	}
	const held = await need(first, 201);
	console.log(`Held: ${held.held_cents} cents`);
	const path = `/v1/authorizations/${held.id}`;
	// A call that was not made gives back at once what is held for it.
	const { usage } = await callModel().catch(async (problem) => {
		await need(await ask('POST', `${path}/void`), 200);
		throw problem;
	});
	// The record's id follows from the authorization's, so it is counted once without a key, too.
	const settled = await ask('POST', `${path}/settle`, { ...what, ...usage });
	const record = await need(settled, 200, 201);
	console.log(`Cost: ${record.estimated_cost_cents} cents`);
	const left = await ask('GET', `/v1/budgets/check?${new URLSearchParams(what)}`);
	for (const budget of (await need(left, 200)).budgets)
		console.log(`Left of ${budget.name}: ${budget.remaining_cents ?? 'any'} cents`);
	return 0;
}

main(process.argv[2]).then((status) => process.exit(status));
