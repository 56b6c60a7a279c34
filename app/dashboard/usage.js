/*
 * The panels drawn from /v1/analytics/usage: cost by model, feature and user, tokens by class,
 * success, durations.
 */
import { get } from './api.js';
import { el } from './dom.js';
import { count, dollars, percent, sum } from './money.js';
import { groupName, learnUsers } from './names.js';
import { Panel } from './panel.js';
import { answers, resolve } from './range.js';
import { classes, fold, matrix } from './sums.js';
import { money, number, text } from './table.js';
import { clockOf, dateOf, rfc3339, shortDay } from './zone.js';

const SHOWN = 9; /* groups of a chart; the others are one */
const GROUPS = [
	{ member: 'model', by: 'model', limit: 500 },
	{ member: 'feature', by: 'feature', limit: 500 },
	{ member: 'user_id', by: 'user', limit: SHOWN },
];
const CLASSES = [['input', 'Input'], ['cached', 'Input from cache'], ['written', 'Input to cache'],
	['output', 'Output'], ['reasoning', 'Reasoning'], ['other', 'Of no class']];
const UNFIT = 'The sums that are kept cannot answer this under these filters: take one away.';

const dollarTicks = { tick: (value) => `$${Number(value).toLocaleString('en', {
	maximumSignificantDigits: 4 })}` };
const countTicks = { tick: (value) => Number(value).toLocaleString('en', { notation: 'compact' }) };
const percentTicks = { max: 100, tick: (value) => `${value}\u00a0%` };
const timeTicks = { tick: (value) => `${Number(value).toLocaleString('en')}\u00a0ms` };

export const panels = {
	model: new Panel('cost-model', 'Cost by model', 'bar', dollarTicks),
	feature: new Panel('cost-feature', 'Cost by feature', 'bar', dollarTicks),
	user: new Panel('cost-user', 'Cost by user', 'bar', dollarTicks),
	tokens: new Panel('tokens', 'Tokens by class', 'bar', countTicks),
	success: new Panel('success', 'Success', 'line', percentTicks),
	latency: new Panel('latency', 'Duration', 'line', timeTicks),
};

function unpricedOf(model) {
	return model === null ? null : model.keys.filter((key) => key.sums.unpriced_calls > 0n)
		.map(({ value, other, sums }) => ({ value, other, calls: sums.unpriced_calls }));
}

/* { plain, model, feature, user }: sums, null where the filters do not fit; unpriced: models. */
export async function load(state, now, signal) {
	const { since, until, bucket } = resolve(state, now);
	const range = { bucket, timezone: state.timezone, since: rfc3339(since), until: rfc3339(until),
		...state.filters };
	const ask = async (by, member, limit) => {
		if (!answers(state.filters, by))
			return null;
		const grouping = by === '' ? {} : { group_by: by, limit };

		return matrix(await get('/v1/analytics/usage', { ...range, ...grouping }, signal), member);
	};
	const [plain, ...grouped] = await Promise.all([ask('', 'other', 1),
		...GROUPS.map(({ by, member, limit }) => ask(by, member, limit))]);
	const [model, feature, user] = grouped.map((found) => (found === null ? null :
		{ ...found, keys: fold(found.keys, SHOWN) }));

	await learnUsers((user?.keys ?? []).map((key) => key.value), signal);
	return { bucket, plain, model, feature, user, unpriced: unpricedOf(grouped[0]) };
}

function label(state, bucket, start) {
	return bucket === 'hour' ? clockOf(state.timezone, start) : shortDay(state.timezone, start);
}

/* The name of a bucket in tables, exact where clocks are set back. */
function bucketCell(state, bucket, { start, end }, actions) {
	const day = shortDay(state.timezone, start);
	const shown = bucket === 'hour' ? `${day}, ${clockOf(state.timezone, start)}` : day;
	const value = bucket === 'hour' ? rfc3339(start) : dateOf(state.timezone, start);

	return {
		value,
		node: el('button', { type: 'button', class: 'link', title: 'Its records',
			click: () => actions.records('all', start, end) },
		el('time', { datetime: value }, shown)),
	};
}

function keyCell(state, member, key, actions) {
	const name = groupName(member, key);

	if (key.other || key.value === null || state.filters[member] !== undefined)
		return text(name);
	return { text: name, value: name, node: el('button', { type: 'button', class: 'link',
		title: 'Only this', click: () => actions.filter(member, key.value) }, name) };
}

function plotted(found, cell) {
	return found.buckets.map((bucket, at) => cell(bucket, at));
}

function showCost(panel, { member }, found, state, bucket, actions) {
	const totals = found.buckets.map((one) => one.sums.cost);
	const foot = [text('All'), ...found.keys.map((key) => money(key.sums.cost)),
		money(found.total.cost)];
	const description = {
		caption: `${panel.title}, in dollars`,
		head: [text(bucket === 'hour' ? 'Hour' : 'Day'),
			...found.keys.map((key) => keyCell(state, member, key, actions)), text('All')],
		rows: plotted(found, (one, at) => [bucketCell(state, bucket, one, actions),
			...found.keys.map((key) => money(key.cells.get(at)?.cost ?? 0n)), money(totals[at])]),
		foot,
	};
	const series = found.keys.map((key) => {
		const costs = plotted(found, (one, at) => key.cells.get(at)?.cost ?? 0n);

		return { label: groupName(member, key), other: key.other, texts: costs.map(dollars),
			values: costs.map((cost) => Number(cost) / 1e9) };
	});
	panel.show(description, {
		note: `${dollars(sum(totals))} in all.`,
		chart: { labels: found.buckets.map((one) => label(state, bucket, one.start)), series },
	});
}

function showTokens(found, state, bucket, actions) {
	const rows = found.buckets.map((one) => classes(one.sums));
	const all = classes(found.total);
	const used = CLASSES.filter(([name]) => name !== 'other' || all.other !== 0n);
	const cells = (tokens, total) => [...used.map(([name]) => number(tokens[name])), number(total)];

	panels.tokens.show({
		caption: 'Tokens by class; each is in one class only',
		head: [text(bucket === 'hour' ? 'Hour' : 'Day'), ...used.map(([, title]) => text(title)),
			text('All')],
		rows: found.buckets.map((one, at) => [bucketCell(state, bucket, one, actions),
			...cells(rows[at], one.sums.total_tokens)]),
		foot: [text('All'), ...cells(all, found.total.total_tokens)],
	}, {
		note: `${count(found.total.total_tokens)} in all.`,
		chart: {
			labels: found.buckets.map((one) => label(state, bucket, one.start)),
			series: used.filter(([name]) => all[name] !== 0n).map(([name, title]) => ({ label: title,
				values: rows.map((tokens) => Number(tokens[name])),
				texts: rows.map((tokens) => count(tokens[name])) })),
		},
	});
}

function rate({ calls, failed_calls: failed }) {
	return percent(calls - failed, calls);
}

function share(text) {
	return text === null ? number(null) : { value: text.slice(0, -2), numeric: true,
		node: el('data', { value: text.slice(0, -2) }, text) };
}

function showSuccess(found, state, bucket, actions) {
	const cells = (sums) => [number(sums.calls), number(sums.failed_calls),
		share(rate(sums))];

	panels.success.show({
		caption: 'Calls and those that failed',
		head: [text(bucket === 'hour' ? 'Hour' : 'Day'), text('Calls'), text('Failed'),
			text('Success')],
		rows: found.buckets.map((one) => [bucketCell(state, bucket, one, actions),
			...cells(one.sums)]),
		foot: [text('All'), ...cells(found.total)],
	}, {
		note: `${count(found.total.failed_calls)} of ${count(found.total.calls)} calls failed.`,
		chart: {
			labels: found.buckets.map((one) => label(state, bucket, one.start)),
			series: [{ label: 'Success',
				values: found.buckets.map(({ sums }) => (sums.calls === 0n ? null :
					100 - Number((sums.failed_calls * 10000n) / sums.calls) / 100)),
				texts: found.buckets.map(({ sums }) => rate(sums)) }],
		},
	});
}

function showLatency(found, state, bucket, actions) {
	const names = [['p50_duration_ms', 'p50'], ['p95_duration_ms', 'p95'], ['p99_duration_ms', 'p99']];
	const at = (one, name) => one.durations[name] ?? null;

	if (found.buckets.every((one) => at(one, 'p50_duration_ms') === null)) {
		panels.latency.empty('No call of this range says how long it took.');
		return;
	}
	panels.latency.show({
		caption: 'Duration of calls in milliseconds; a percentile is off by at most 6.25 %',
		head: [text(bucket === 'hour' ? 'Hour' : 'Day'), ...names.map(([, title]) => text(title))],
		rows: found.buckets.map((one) => [bucketCell(state, bucket, one, actions),
			...names.map(([name]) => number(at(one, name)))]),
		foot: null,
	}, {
		note: 'Percentiles, in milliseconds.',
		chart: {
			labels: found.buckets.map((one) => label(state, bucket, one.start)),
			series: names.map(([name, title]) => ({ label: title,
				values: found.buckets.map((one) => (at(one, name) === null ? null :
					Number(at(one, name)))) })),
		},
	});
}

/* actions: { filter(member, value), records(which, from, to) }. */
export function show(found, state, actions) {
	const { bucket, plain } = found;

	for (const group of GROUPS) {
		const panel = panels[group.by];

		if (found[group.by] === null)
			panel.empty(UNFIT);
		else if (found[group.by].total.calls === 0n)
			panel.empty('No calls in this range.');
		else
			showCost(panel, group, found[group.by], state, bucket, actions);
	}
	for (const [panel, draw] of [[panels.tokens, showTokens], [panels.success, showSuccess],
		[panels.latency, showLatency]]) {
		if (plain === null)
			panel.empty(UNFIT);
		else if (plain.total.calls === 0n)
			panel.empty('No calls in this range.');
		else
			draw(plain, state, bucket, actions);
	}
}
