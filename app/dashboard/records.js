/*
 * The records behind the figures, newest first, a page at a time.
 */
import {get} from './api.js';
import {el, when} from './dom.js';
import {nanos} from './money.js';
import {learnUsers, userName} from './names.js';
import {Panel} from './panel.js';
import {resolve} from './range.js';
import {money, number, text} from './table.js';
import {longTime, rfc3339} from './zone.js';

const PAGE = 50;
const WHICH = {
	all: {},
	failed: { success: 'false' },
	unpriced: { unpriced: 'true' }
};

export const panel = new Panel('records', 'Records');
const more = el('button', { type: 'button', hidden: true }, 'More records');
panel.element.append(more);

function cost(record) {
	const cents = record.verified_cost_cents ?? record.estimated_cost_cents;

	return cents === null ? { text: 'no price', value: '', numeric: true } :
				money(nanos(cents));
}

function outcome(record) {
	const says =
	    record.success ? 'succeeded' : `failed: ${record.error_message ?? 'no reason given'}`;

	return { text: says, node: el('span', { class: record.success ? null : 'unwell' }, says) };
}

function all(record) {
	const known = Object.entries(record).filter(([, value]) => value !== null);

	return el('details', {}, el('summary', {}, record.id),
	    el('dl', {},
		known.map(
		    ([name, value]) => [el('dt', {}, name),
			el('dd', {},
			    typeof value === 'object' ? JSON.stringify(value) : String(value))])));
}

function row(record, zone) {
	const at = Date.parse(record.created_at);

	return [
		{ value: record.created_at, node: when(record.created_at, longTime(zone, at)) },
		text(record.user_id === null ? '' : userName(record.user_id)),
		text(record.feature),
		text(record.model),
		number(record.tokens_used),
		cost(record),
		number(record.duration_ms),
		outcome(record),
		{ text: record.id, node: all(record) },
	];
}

function draw(records, zone, cursor) {
	if (records.length === 0) {
		panel.empty('No records fit.');
	} else {
		panel.show({
			caption: 'Records, newest first',
			head: [
				'Time', 'User', 'Feature', 'Model', 'Tokens', 'Cost',
				'Duration, ms', 'Outcome', 'Record'
			].map((name) => text(name)),
			rows: records.map((record) => row(record, zone)),
			foot: null,
		},
		    {
			    note: cursor === null ? `${records.length} records.` :
						    `The newest ${records.length} of more.`
		    });
	}
	more.hidden = cursor === null;
}

async function page(params, cursor, signal) {
	const answer = await get('/v1/chat-logs', {...params, limit: PAGE, cursor }, signal);

	await learnUsers(answer.data.map((record) => record.user_id), signal);
	return answer;
}

/* fail: told what went wrong with a further page. */
export async function load(state, now, signal, fail) {
	const range = resolve(state, now);
	const params = {
		...state.filters,
		...WHICH[state.records],
		since: rfc3339(state.from ?? range.since),
		until: rfc3339(state.to ?? range.until)
	};
	const first = await page(params, null, signal);
	const records = [...first.data];
	let cursor = first.next_cursor;

	return () => {
		draw(records, state.timezone, cursor);
		more.onclick = async () => {
			try {
				const next = await page(params, cursor, undefined);

				records.push(...next.data);
				cursor = next.next_cursor;
				draw(records, state.timezone, cursor);
			} catch (error) {
				fail(error);
			}
		};
	};
}
