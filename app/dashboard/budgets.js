/*
 * Budgets: how much of each is used, and when it runs out at the rate of its window so far.
 */
import {get} from './api.js';
import {el, meter, when} from './dom.js';
import {nanos, percent} from './money.js';
import {learnUsers, userName} from './names.js';
import {Panel} from './panel.js';
import {runsOut} from './runout.js';
import {money, number, text} from './table.js';
import {duration, longTime, rfc3339} from './zone.js';

const SHOWN = 50;
const MEASURES = [
	{ name: 'cents', title: 'cost', read: nanos, cell: money },
	{ name: 'requests', title: 'requests', read: BigInt, cell: number },
	{ name: 'tokens', title: 'tokens', read: BigInt, cell: number },
];

export const panel = new Panel('budgets', 'Budgets');

export async function load(signal) {
	const { data, next_cursor: more } = await get('/v1/budgets', { limit: SHOWN }, signal);
	const statuses = await Promise.all(
	    data.map((budget) => get(`/v1/budgets/${budget.id}/status`, {}, signal)));
	const budgets = data.map((budget, at) => ({...budget, status: statuses[at] }));

	await learnUsers(budgets.filter((budget) => budget.each === 'user_id')
			     .map((budget) => fullest(budget)?.bucket),
	    signal);
	return { budgets, more: more !== null };
}

function uses(status) {
	return MEASURES.filter(({ name }) => status[`limit_${name}`] !== null)
	    .map((measure) => {
		    const read = (what) => measure.read(status[`${what}_${measure.name}`] ?? '0');

		    return {
			    ...measure,
			    spent: read('spent'),
			    held: read('held'),
			    limit: read('limit')
		    };
	    })
	    .map((use) => ({
		    ...use,
		    part: use.limit === 0n ?
			100 :
			Number(((use.spent + use.held) * 10000n) / use.limit) / 100
	    }))
	    .sort((a, b) => b.part - a.part);
}

/* The bucket of a budget with `each` that has used most of its own limit. */
function fullest({ each, status }) {
	return each === null ?
	    null :
	    status.buckets.map((bucket) => ({...bucket, part: uses(bucket)[0]?.part ?? 0 }))
		    .sort((a, b) => b.part - a.part)[0] ??
		null;
}

/* { budget, use, bucket, end, out } of the measure that is nearest to its limit; use null where
 * nothing is counted yet. */
export function judge(budget, now) {
	const { status } = budget;
	const bucket = fullest(budget);
	const of = budget.each === null ? status : bucket;
	const use = of === null ? null : uses(of)[0];
	const end = status.resets_at === null ? null : Date.parse(status.resets_at);
	const start = budget.window === 'rolling' ?
	    null :
	    Date.parse(status.window_start ?? budget.created_at);
	const out = use === null ?
	    { state: 'idle' } :
	    runsOut({ spent: use.spent, left: use.limit - use.spent - use.held, start, end, now });

	return { budget, use, bucket, end, out };
}

export function told({out, end}, zone, now) {
	switch (out.state) {
		case 'used':
			return 'used up';
		case 'runs':
			return `runs out in ${duration(out.at - now)}, ${longTime(zone, out.at)}`;
		case 'lasts':
			return `lasts until it begins anew in ${duration(end - now)}`;
		case 'idle':
			return 'nothing spent';
		default:
			return 'too early to say';
	}
}

function bucketName({ each }, bucket) {
	return each === 'user_id' ? userName(bucket.bucket) : bucket.bucket;
}

function nameCell({ budget, bucket }) {
	const scope =
	    Object.entries(budget.scope).map(([name, value]) => `${name} ${value}`).join(', ');
	const whose = bucket === null ?
	    '' :
	    `fullest ${budget.each.replace('_id', '')}: ` + bucketName(budget, bucket);
	const more = [scope, whose].filter(Boolean).join('; ');

	return {
		text: budget.name,
		node: el('span', {}, budget.name, more === '' ? null : el('small', {}, more))
	};
}

function barCell({ use, budget }) {
	if (use === null)
		return text('\u2013');
	const part = percent(use.spent + use.held, use.limit) ?? '100\u00a0%';

	return {
		text: part,
		node: el('span', { class: 'bar' }, meter(use.part, `${budget.name}: used`),
		    el('span', {}, part))
	};
}

function row(judged, zone, now) {
	const { budget, use, out } = judged;
	const says = told(judged, zone, now);

	return [
		nameCell(judged),
		barCell(judged),
		...['spent', 'held', 'limit'].map(
		    (what) => (use === null ? number(null) : use.cell(use[what]))),
		text(budget.window === 'rolling' ? `${budget.rolling_hours} h rolling` :
						   budget.window),
		text(budget.mode),
		{ text: says, node: out.state === 'runs' ? when(rfc3339(out.at), says) : null },
	];
}

export function show({budgets, more}, zone, now) {
	const judged = budgets.map((budget) => judge(budget, now))
			   .sort((a, b) => (b.use?.part ?? 0) - (a.use?.part ?? 0));

	if (budgets.length === 0) {
		panel.empty('There are no budgets.');
		return;
	}
	panel.show({
		caption: 'Budgets, those that have used most first',
		head: [
			'Budget', 'Used', 'Spent', 'Held', 'Limit', 'Window', 'Mode', 'At this rate'
		].map((name) => text(name)),
		rows: judged.map((one) => row(one, zone, now)),
		foot: null,
	},
	    { note: more ? `The newest ${SHOWN}.` : '' });
}
