/*
 * A panel of cost over time, stacked by model, feature or user.
 */
import {bucketCell, headOf, labels} from './buckets.js';
import {link} from './dom.js';
import {dollars, sum} from './money.js';
import {groupName} from './names.js';
import {Panel} from './panel.js';
import {money, text} from './table.js';

const dollarTicks = {
	tick: (value) => `$${Number(value).toLocaleString('en', { maximumSignificantDigits: 4 })}`,
};

export function panel(id, title) {
	return new Panel(id, title, 'bar', dollarTicks);
}

function keyCell(state, member, key, actions) {
	const name = groupName(member, key);

	if (key.other || key.value === null || state.filters[member] !== undefined)
		return text(name);
	return text(name, link('Only this', name, () => actions.filter(member, key.value)));
}

/* What each group of the member cost. */
export function show(panel, member, found, state, bucket, actions) {
	const totals = found.buckets.map((one) => one.sums.cost);
	const foot = [
		text('All'), ...found.keys.map((key) => money(key.sums.cost)),
		money(found.total.cost)
	];
	const description = {
		caption: `${panel.title}, in dollars`,
		head: [
			headOf(bucket),
			...found.keys.map((key) => keyCell(state, member, key, actions)),
			text('All')
		],
		rows: found.buckets.map(
		    (one, at) => [bucketCell(state, bucket, one, actions),
			...found.keys.map((key) => money(key.cells.get(at)?.cost ?? 0n)),
			money(totals[at])]),
		foot,
	};
	const series = found.keys.map((key) => {
		const costs = found.buckets.map((one, at) => key.cells.get(at)?.cost ?? 0n);

		return {
			label: groupName(member, key),
			other: key.other,
			texts: costs.map(dollars),
			values: costs.map((cost) => Number(cost) / 1e9)
		};
	});
	panel.show(description, {
		note: `${dollars(sum(totals))} in all.`,
		chart: { labels: labels(found, state, bucket), series },
	});
}
