/*
 * From the answers of /v1/analytics/usage to rows that can be shown: exact sums over buckets and
 * groups. No clock, no page.
 */
import {nanos} from './money.js';

export const COUNTS = [
	'calls', 'failed_calls', 'unpriced_calls', 'total_tokens', 'input_tokens', 'output_tokens',
	'cached_input_tokens', 'cache_write_tokens', 'reasoning_tokens'
];

export function nothing() {
	return { cost: 0n, ...Object.fromEntries(COUNTS.map((name) => [name, 0n])) };
}

export function figures(group) {
	return {
		cost: nanos(group.cost_cents),
		...Object.fromEntries(COUNTS.map((name) => [name, BigInt(group[name] ?? 0)])),
	};
}

export function add(to, more) {
	for (const name of Object.keys(to))
		to[name] += more[name];
}

/* Tokens that are in no other class: input is what was neither read from a cache nor written to
 * one, thoughts are inside the output. other: of calls whose classes are not known. */
export function classes(sums) {
	const { input_tokens: input, cached_input_tokens: cached, cache_write_tokens: written } =
	    sums;
	const { output_tokens: output, reasoning_tokens: reasoning, total_tokens: total } = sums;

	return {
		input,
		cached,
		written,
		output: output - reasoning,
		reasoning,
		other: total - input - cached - written - output
	};
}

function named(group, member) {
	if (group.other)
		return { id: 'other', value: null, other: true };
	return { id: `=${group[member] ?? ''}`, value: group[member], other: false };
}

function descending(a, b) {
	if (a.other !== b.other)
		return a.other ? 1 : -1;
	if (a.sums.cost !== b.sums.cost)
		return a.sums.cost < b.sums.cost ? 1 : -1;
	if (a.sums.calls !== b.sums.calls)
		return a.sums.calls < b.sums.calls ? 1 : -1;
	return a.id < b.id ? -1 : 1;
}

/* The groups behind the first `most` become one. */
export function fold(keys, most) {
	const kept = keys.filter((key) => !key.other).slice(0, most);
	const rest = keys.filter((key) => !kept.includes(key));

	if (rest.length === 0)
		return kept;
	const other = { id: 'other', value: null, other: true, sums: nothing(), cells: new Map() };
	for (const key of rest) {
		add(other.sums, key.sums);
		for (const [bucket, sums] of key.cells) {
			if (!other.cells.has(bucket))
				other.cells.set(bucket, nothing());
			add(other.cells.get(bucket), sums);
		}
	}
	return [...kept, other];
}

/*
 * { buckets: [{start, end, sums, adjustments}], keys: [{id, value, other, sums, cells}], total }:
 * keys by what they cost, cells by the number of the bucket.
 */
export function matrix(answer, member) {
	const keys = new Map();
	const total = nothing();
	const buckets = answer.data.map((bucket, at) => {
		const all = nothing();

		for (const group of bucket.groups) {
			const sums = figures(group);
			const name = named(group, member);

			if (!keys.has(name.id))
				keys.set(name.id, {...name, sums: nothing(), cells: new Map() });
			keys.get(name.id).cells.set(at, sums);
			add(keys.get(name.id).sums, sums);
			add(all, sums);
		}
		add(total, all);
		return {
			start: Date.parse(bucket.start),
			end: Date.parse(bucket.end),
			sums: all,
			adjustments: nanos(bucket.adjustments_cents ?? 0),
			durations: bucket.groups.length === 1 ? bucket.groups[0] : {},
		};
	});
	return { buckets, keys: [...keys.values()].sort(descending), total };
}
