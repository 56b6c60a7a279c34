/*
 * The panels drawn from /v1/analytics/usage.
 */
import {get} from './api.js';
import * as costs from './costs.js';
import {learnUsers} from './names.js';
import * as quality from './quality.js';
import {answers, resolve} from './range.js';
import {fold, matrix} from './sums.js';
import {rfc3339} from './zone.js';

const SHOWN = 9; /* groups of a chart; the others are one */
const GROUPS = [
	{ member: 'model', by: 'model', limit: 500 },
	{ member: 'feature', by: 'feature', limit: 500 },
	{ member: 'user_id', by: 'user', limit: SHOWN },
];
const UNFIT = 'The sums that are kept cannot answer this under these filters: take one away.';
const EMPTY = 'No calls in this range.';

export const panels = {
	model: costs.panel('cost-model', 'Cost by model'),
	feature: costs.panel('cost-feature', 'Cost by feature'),
	user: costs.panel('cost-user', 'Cost by user'),
	...quality.panels,
};

function unpricedOf(model) {
	return model === null ?
	    null :
	    model.keys.filter((key) => key.sums.unpriced_calls > 0n).map(({ value,
		    other,
		    sums }) => ({ value, other, calls: sums.unpriced_calls }));
}

/* { plain, model, feature, user }: sums, null where the filters do not fit; unpriced: models. */
export async function load(state, now, signal) {
	const { since, until, bucket } = resolve(state, now);
	const range = {
		bucket,
		timezone: state.timezone,
		since: rfc3339(since),
		until: rfc3339(until),
		...state.filters
	};
	const ask = async (by, member, limit) => {
		if (!answers(state.filters, by))
			return null;
		const grouping = by === '' ? {} : { group_by: by, limit };

		return matrix(
		    await get('/v1/analytics/usage', {...range, ...grouping }, signal), member);
	};
	const [plain, ...grouped] = await Promise.all([
		ask('', 'other', 1),
		...GROUPS.map(({ by, member, limit }) => ask(by, member, limit))
	]);
	const [model, feature, user] = grouped.map(
	    (found) => (found === null ? null : {...found, keys: fold(found.keys, SHOWN) }));

	await learnUsers((user?.keys ?? []).map((key) => key.value), signal);
	return { bucket, plain, model, feature, user, unpriced: unpricedOf(grouped[0]) };
}

function draw(panel, found, show) {
	if (found === null)
		panel.empty(UNFIT);
	else if (found.total.calls === 0n)
		panel.empty(EMPTY);
	else
		show();
}

/* actions: { filter(member, value), records(which, from, to) }. */
export function show(found, state, actions) {
	const { bucket, plain } = found;

	for (const { by, member } of GROUPS) {
		draw(panels[by], found[by],
		    () => costs.show(panels[by], member, found[by], state, bucket, actions));
	}
	draw(panels.tokens, plain, () => quality.showTokens(plain, state, bucket, actions));
	draw(panels.success, plain, () => quality.showSuccess(plain, state, bucket, actions));
	draw(panels.latency, plain, () => quality.showLatency(plain, state, bucket, actions));
}
