/*
 * The panels that are tables alone: who spends most, models without a price, calls that budgets
 * refused, and whether the books are well kept.
 */
import {el, link} from './dom.js';
import {count} from './money.js';
import {groupName} from './names.js';
import {Panel} from './panel.js';
import {money, number, text} from './table.js';
import {duration, longTime} from './zone.js';

const DRIFT = {
	true: 'found: the totals differed from the log',
	false: 'none found',
	null: 'not looked for yet'
};
const TOP =
    [['user', 'user_id', 'User'], ['feature', 'feature', 'Feature'], ['model', 'model', 'Model']];

export const panels = {
	top: new Panel('top', 'Top spenders'),
	unpriced: new Panel('unpriced', 'Models without a price'),
	refusals: new Panel('refusals', 'Refused by budgets'),
	health: new Panel('health', 'Health'),
};

function only(member, value, name, actions) {
	return value === null ?
	    text(name) :
	    text(name, link('Only this', name, () => actions.filter(member, value)));
}

export function showTop(usage, actions) {
	const rows = TOP.flatMap(
	    ([by, member, title]) =>
		(usage[by]?.keys ?? [])
		    .filter((key) => !key.other && key.sums.cost > 0n)
		    .slice(0, 5)
		    .map((key) => [only(member, key.value, groupName(member, key), actions),
			     text(title), money(key.sums.cost), number(key.sums.calls)]));

	if (rows.length === 0) {
		panels.top.empty('Nothing was spent in this range.');
		return;
	}
	panels.top.show({
		caption: 'The five users, features and models that cost most in this range',
		head: [text('Who'), text('Of'), text('Cost'), text('Calls')],
		rows,
		foot: null,
	});
}

export function showUnpriced({unpriced}, actions) {
	if (unpriced === null || unpriced.length === 0) {
		panels.unpriced.empty(unpriced === null ? 'Not to be had under these filters.' :
							  'Every call of this range has a price.');
		return;
	}
	panels.unpriced.show({
		caption: 'Models whose calls have no price, in this range',
		head: [text('Model'), text('Calls without a price')],
		rows: unpriced.map(({
			value,
			other,
			calls
		}) => [only('model', value, groupName('model', { value, other }), actions),
				       number(calls)]),
		foot: [text('All'), number(unpriced.reduce((all, one) => all + one.calls, 0n))],
	},
	    { note: 'They count as calls and tokens, and cost nothing until they have one.' });
}

function sayAge(at, now, zone) {
	return at === null || at === undefined ?
	    'never' :
	    `${duration(now - Date.parse(at))} ago, ${longTime(zone, Date.parse(at))}`;
}

/* ready: of /readyz. health: of the dashboard's answer, null where there is none. */
export function showHealth(ready, health, zone, now) {
	const checks = ready.checks.map(({ name, ok, detail }) => [text(name), {
		text: ok === true ? 'well' : 'not well',
		node: el('span', { class: ok === true ? 'well' : 'unwell' },
		    ok === true ? 'well' : 'not well')
	},
					    text(detail === 'ok' ? '' : detail)]);
	const facts = health === null ? [] : [
		[text('last flush'), text(''), text(sayAge(health.flushed_at, now, zone))],
		[text('last rollup'), text(''), text(sayAge(health.rolled_up_at, now, zone))],
		[text('last reconcile'), text(''), text(sayAge(health.reconciled_at, now, zone))],
		[text('drift'), text(''), text(DRIFT[health.drift])],
	];

	panels.health.show({
		caption: 'What the service stands on',
		head: [text('What'), text('State'), text('Detail')],
		rows: [...facts, ...checks],
		foot: null,
	},
	    { note: ready.status === 'ok' ? 'All is well.' : 'Something is not well.' });
}

/* refusals: of the dashboard's answer; null while they cannot be counted, undefined where the
 * service does not say. */
export function showRefusals(refusals) {
	if (!refusals) {
		panels.refusals.empty(refusals === null ? 'Not to be had while Redis is away.' :
							  'This service does not say.');
		return;
	}
	const { total, ...reasons } = refusals;

	if (total === '0') {
		panels.refusals.empty('None in the last 24 hours.');
		return;
	}
	panels.refusals.show({
		caption: 'Authorizations that budgets refused in the last 24 hours',
		head: [text('Reason'), text('Calls')],
		rows: Object.entries(reasons).map(([name, value]) => [text(name), number(value)]),
		foot: [text('All'), number(total)],
	},
	    { note: `${count(total)} in the last 24 hours.` });
}
