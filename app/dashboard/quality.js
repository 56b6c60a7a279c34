/*
 * Tokens by class, success and durations over time.
 */
import {bucketCell, headOf, labels} from './buckets.js';
import {el} from './dom.js';
import {count, percent} from './money.js';
import {Panel} from './panel.js';
import {classes} from './sums.js';
import {number, text} from './table.js';

const CLASSES = [
	['input', 'Input'], ['cached', 'Input from cache'], ['written', 'Input to cache'],
	['output', 'Output'], ['reasoning', 'Reasoning'], ['other', 'Of no class']
];
const QUANTILES =
    [['p50_duration_ms', 'p50'], ['p95_duration_ms', 'p95'], ['p99_duration_ms', 'p99']];

const countTicks = {
	tick: (value) => Number(value).toLocaleString('en', { notation: 'compact' })
};
const percentTicks = {
	max: 100,
	tick: (value) => `${value}\u00a0%`
};
const timeTicks = {
	tick: (value) => `${Number(value).toLocaleString('en')}\u00a0ms`
};

export const panels = {
	tokens: new Panel('tokens', 'Tokens by class', 'bar', countTicks),
	success: new Panel('success', 'Success', 'line', percentTicks),
	latency: new Panel('latency', 'Duration', 'line', timeTicks),
};

export function showTokens(found, state, bucket, actions) {
	const rows = found.buckets.map((one) => classes(one.sums));
	const all = classes(found.total);
	const used = CLASSES.filter(([name]) => name !== 'other' || all.other !== 0n);
	const cells =
	    (tokens, total) => [...used.map(([name]) => number(tokens[name])), number(total)];

	panels.tokens.show({
		caption: 'Tokens by class; each is in one class only',
		head: [headOf(bucket), ...used.map(([, title]) => text(title)), text('All')],
		rows: found.buckets.map((one, at) => [bucketCell(state, bucket, one, actions),
					    ...cells(rows[at], one.sums.total_tokens)]),
		foot: [text('All'), ...cells(all, found.total.total_tokens)],
	},
	    {
		    note: `${count(found.total.total_tokens)} in all.`,
		    chart: {
			    labels: labels(found, state, bucket),
			    series:
				used.filter(([name]) => all[name] !== 0n).map(([name, title]) => ({
					label: title,
					values: rows.map((tokens) => Number(tokens[name])),
					texts: rows.map((tokens) => count(tokens[name]))
				})),
		    },
	    });
}

function rate({ calls, failed_calls: failed }) {
	return percent(calls - failed, calls);
}

function share(text) {
	return text === null ? number(null) : {
		value: text.slice(0, -2),
		numeric: true,
		node: el('data', { value: text.slice(0, -2) }, text)
	};
}

export function showSuccess(found, state, bucket, actions) {
	const cells = (sums) => [number(sums.calls), number(sums.failed_calls), share(rate(sums))];

	panels.success.show({
		caption: 'Calls and those that failed',
		head: [headOf(bucket), text('Calls'), text('Failed'), text('Success')],
		rows: found.buckets.map(
		    (one) => [bucketCell(state, bucket, one, actions), ...cells(one.sums)]),
		foot: [text('All'), ...cells(found.total)],
	},
	    {
		    note: `${count(found.total.failed_calls)} of ${
			count(found.total.calls)} calls failed.`,
		    chart: {
			    labels: labels(found, state, bucket),
			    series: [{
				    label: 'Success',
				    values: found.buckets.map(
					({ sums }) => (sums.calls === 0n ? null :
									   100 -
						    Number(
							(sums.failed_calls * 10000n) / sums.calls) /
							100)),
				    texts: found.buckets.map(({ sums }) => rate(sums))
			    }],
		    },
	    });
}

export function showLatency(found, state, bucket, actions) {
	const at = (one, name) => one.durations[name] ?? null;

	if (found.buckets.every((one) => at(one, 'p50_duration_ms') === null)) {
		panels.latency.empty('No call of this range says how long it took.');
		return;
	}
	panels.latency.show({
		caption: 'Duration of calls in milliseconds; a percentile is off by at most 6.25 %',
		head: [headOf(bucket), ...QUANTILES.map(([, title]) => text(title))],
		rows: found.buckets.map((one) => [bucketCell(state, bucket, one, actions),
					    ...QUANTILES.map(([name]) => number(at(one, name)))]),
		foot: null,
	},
	    {
		    note: 'Percentiles, in milliseconds.',
		    chart: {
			    labels: labels(found, state, bucket),
			    series: QUANTILES.map(([name, title]) => ({
				    label: title,
				    values: found.buckets.map(
					(one) =>
					    (at(one, name) === null ? null : Number(at(one, name))))
			    })),
		    },
	    });
}
