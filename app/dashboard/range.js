/*
 * What the address says: the range, the zone, the filters, and the records that are looked at. All
 * that the page shows follows from it and from the key.
 */
import {addDays, dateOf, dayStart, isDate, isZone} from './zone.js';

export const FILTERS = ['model', 'feature', 'provider', 'agent_type', 'user_id', 'tag'];
const RECORDS = ['all', 'failed', 'unpriced'];
const PRESETS = {
	today: 1,
	'7d': 7,
	'30d': 30,
	'90d': 90,
	month: 0,
	custom: 0
};
const BUCKETS = ['auto', 'hour', 'day'];
export const DAYS_MAX = 366;
const HOURLY_DAYS_MAX = 40;

function known(list, value, otherwise) {
	return list.includes(value) ? value : otherwise;
}

function time(value) {
	const at = Date.parse(value ?? '');

	return Number.isNaN(at) ? null : at;
}

/* zone: where the address names none. */
export function read(search, zone) {
	const query = new URLSearchParams(search);
	const since = query.get('since') ?? '';
	const until = query.get('until') ?? since;
	const custom =
	    isDate(since) && isDate(until) && since <= until && addDays(since, DAYS_MAX) > until;
	const filters = {};

	for (const name of FILTERS) {
		if (query.get(name))
			filters[name] = query.get(name);
	}
	return {
		range: custom ? 'custom' :
				known(Object.keys(PRESETS).slice(0, -1), query.get('range'), '7d'),
		since: custom ? since : '',
		until: custom ? until : '',
		bucket: known(BUCKETS, query.get('bucket'), 'auto'),
		timezone: isZone(query.get('timezone') ?? '') ? query.get('timezone') : zone,
		filters,
		records: known(RECORDS, query.get('records'), ''),
		from: time(query.get('from')),
		to: time(query.get('to')),
	};
}

/* The query of the address for it; what is as it would be anyway is left out. */
export function write(state, zone) {
	const query = new URLSearchParams();

	if (state.range === 'custom') {
		query.set('since', state.since);
		query.set('until', state.until);
	} else if (state.range !== '7d') {
		query.set('range', state.range);
	}
	if (state.bucket !== 'auto')
		query.set('bucket', state.bucket);
	if (state.timezone !== zone)
		query.set('timezone', state.timezone);
	for (const name of FILTERS) {
		if (state.filters[name])
			query.set(name, state.filters[name]);
	}
	if (state.records !== '')
		query.set('records', state.records);
	for (const name of ['from', 'to']) {
		if (state.records !== '' && state[name] !== null)
			query.set(name, new Date(state[name]).toISOString());
	}
	return query.toString();
}

function dates(state, today) {
	if (state.range === 'custom')
		return [state.since, state.until];
	if (state.range === 'month')
		return [`${today.slice(0, 8)}01`, today];
	return [addDays(today, 1 - PRESETS[state.range]), today];
}

/* Instants, and what the range is divided into; ended: nothing more can come into it. */
export function resolve(state, now) {
	const [first, last] = dates(state, dateOf(state.timezone, now));
	const days = (Date.parse(last) - Date.parse(first)) / 86_400_000 + 1;
	const end = dayStart(state.timezone, addDays(last, 1));
	const since = dayStart(state.timezone, first);
	const hourly = state.bucket === 'auto' ? days <= 2 : state.bucket === 'hour';

	return {
		first,
		last,
		since,
		until: now > since && now < end ? now : end,
		bucket: hourly && days <= HOURLY_DAYS_MAX ? 'hour' : 'day',
		ended: end <= now,
	};
}

/* Which groupings the service can answer under these filters: sums by user and by tag are kept
 * beside the others. */
export function answers(filters, grouping) {
	const given = Object.keys(filters);
	const apart = given.filter((name) => name === 'user_id' || name === 'tag');

	if (apart.length > 0)
		return given.length === 1 &&
		    (grouping === '' || grouping === apart[0].replace('_id', ''));
	return given.length === 0 || (grouping !== 'user' && grouping !== 'tag');
}
