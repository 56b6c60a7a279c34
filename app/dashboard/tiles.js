/*
 * The figures at the top: the day and the month so far in the client's own zone, and the range.
 */
import {get, getIfOffered} from './api.js';
import {judge, told} from './budgets.js';
import {byId, el, meter, money} from './dom.js';
import {count, many, nanos, percent} from './money.js';
import {duration} from './zone.js';

export async function load(signal) {
	const [today, dashboard, billing] = await Promise.all([
		get('/v1/daily-costs/today', {}, signal),
		getIfOffered('/v1/analytics/dashboard', {}, signal),
		getIfOffered('/v1/billing/current', {}, signal),
	]);

	return { today, dashboard, billing };
}

function tile(id, title, figure, ...more) {
	return el('div', { class: 'tile', id }, el('h3', {}, title),
	    el('p', { class: 'figure' }, figure), ...more);
}

function line(...parts) {
	return el('p', {}, ...parts);
}

function todayTile({ today, dashboard }) {
	const before = dashboard === null ?
	    null :
	    line(
		'Yesterday by this time ', money(nanos(dashboard.yesterday.cost_cents), true), '.');

	return tile('tile-today', `Today, ${today.date}`,
	    money(nanos(today.total_cost_cents), true),
	    line(`${many(today.total_requests, 'call')}, ${many(today.total_tokens, 'token')}, `,
		many(today.unique_users, 'user')),
	    before);
}

/* The budget of a day that is nearest to its limit; else of any window. */
function tightest(budgets, now) {
	const judged = budgets.map((budget) => judge(budget, now))
			   .filter(({ use }) => use !== null)
			   .sort((a, b) => b.use.part - a.use.part);

	return judged.find(({ budget }) => budget.window === 'day' && budget.each === null) ??
	    judged[0];
}

function budgetTile(budgets, zone, now) {
	const found = tightest(budgets, now);

	if (found === undefined)
		return tile(
		    'tile-budget', 'Against budget', '\u2013', line('There are no budgets.'));
	const { budget, use, end } = found;
	const part = percent(use.spent + use.held, use.limit) ?? '100\u00a0%';
	const limit =
	    use.name === 'cents' ? money(use.limit, true) : `${count(use.limit)} ${use.title}`;

	return tile('tile-budget',
	    budget.window === 'day' ? 'Today against budget' : 'Against budget', part,
	    meter(use.part, `${budget.name}: used`),
	    line(`${budget.name}: of `, limit,
		end === null ? '.' : `; ${duration(end - now)} of the ${budget.window} left.`),
	    line(`At this rate: ${told(found, zone, now)}.`));
}

function forecastLine({ forecast }) {
	if (forecast === null)
		return line('A forecast needs seven days that are over.');
	return line('Forecast of the month ', money(nanos(forecast.cost_cents), true), '; ',
	    `${forecast.confidence}\u00a0% sure of `, money(nanos(forecast.low_cents), true),
	    ' to ', money(nanos(forecast.high_cents), true));
}

function monthTile({ billing }) {
	if (billing === null)
		return null;
	const adjustments = nanos(billing.adjustments_cents);

	return tile('tile-month', `Month so far, ${billing.period}`,
	    money(nanos(billing.billed_cents), true), forecastLine(billing),
	    adjustments === 0n ? null : line('With corrections of ', money(adjustments)));
}

function rangeTile({ total, buckets }, ended) {
	const adjustments = buckets.reduce((all, one) => all + one.adjustments, 0n);

	return tile('tile-range', ended ? 'In this range' : 'In this range so far',
	    money(total.cost, true),
	    line(`${many(total.calls, 'call')}, ${many(total.total_tokens, 'token')}`),
	    adjustments === 0n ? null : line('Corrections beside it: ', money(adjustments)));
}

function successTile({ total }) {
	return tile('tile-success', 'Success in this range',
	    percent(total.calls - total.failed_calls, total.calls) ?? '\u2013',
	    line(`${count(total.failed_calls)} failed, ${
		count(total.unpriced_calls)} without a price`));
}

function latencyTile(total) {
	const read = (name) => `${count(total[name])}\u00a0ms`;
	const title = 'Duration, 95th percentile';

	if (total.p95_duration_ms === null)
		return tile(
		    'tile-latency', title, '\u2013', line('No call says how long it took.'));
	return tile('tile-latency', title, read('p95_duration_ms'),
	    line(`half within ${read('p50_duration_ms')}, 99\u00a0% within ` +
		read('p99_duration_ms')));
}

export function show({figures, budgets, usage, total, ended}, zone, now) {
	byId('tiles').replaceChildren(...[todayTile(figures),
	    budgetTile(budgets, zone, now),
	    monthTile(figures),
	    usage.plain === null ? null : rangeTile(usage.plain, ended),
	    usage.plain === null ? null : successTile(usage.plain),
	    total === null ? null : latencyTile(total),
	].filter(Boolean));
}
