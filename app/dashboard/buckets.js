/*
 * What panels over time share: the names of their hours and days.
 */
import {el, link} from './dom.js';
import {text} from './table.js';
import {clockOf, dateOf, rfc3339, shortDay} from './zone.js';

export function headOf(bucket) {
	return text(bucket === 'hour' ? 'Hour' : 'Day');
}

/* For an axis. */
export function labels(found, state, bucket) {
	return found.buckets.map(
	    ({ start }) => (bucket === 'hour' ? clockOf(state.timezone, start) :
						shortDay(state.timezone, start)));
}

/* For tables: CSV has the instant, or the date. */
export function bucketCell(state, bucket, {start, end}, actions) {
	const day = shortDay(state.timezone, start);
	const shown = bucket === 'hour' ? `${day}, ${clockOf(state.timezone, start)}` : day;
	const value = bucket === 'hour' ? rfc3339(start) : dateOf(state.timezone, start);

	return {
		value,
		node: link('Its records', el('time', { datetime: value }, shown),
		    () => actions.records('all', start, end)),
	};
}
