/*
 * The form above the figures: from the state to its controls and back.
 */
import {byId, el} from './dom.js';
import {userName} from './names.js';
import {FILTERS, resolve} from './range.js';
import {isZone} from './zone.js';

const TITLES = {
	user_id: 'user',
	agent_type: 'agent type'
};

function chip(name, value, remove) {
	const shown = name === 'user_id' ? userName(value) : value;
	const says = `${TITLES[name] ?? name}: ${shown}`;

	return el('li', {},
	    el('button', {
		    type: 'button',
		    'aria-label': `Remove the filter ${says}`,
		    click: () => remove(name)
	    },
		says, ' \u00d7'));
}

/* quiet: a control that is in use is left alone. */
export function fill(state, now, remove, quiet) {
	const { first, last } = resolve(state, now);
	const { range, bucket, timezone } = state;
	const values = { range, since: first, until: last, bucket, timezone };

	for (const [id, value] of Object.entries(values)) {
		if (!quiet || byId(id) !== document.activeElement)
			byId(id).value = value;
	}
	byId('filters').replaceChildren(
	    ...FILTERS.filter((name) => state.filters[name] !== undefined)
		.map((name) => chip(name, state.filters[name], remove)));
}

/* The state that the form asks for; null where it names no time zone, which the control tells. */
export function take(state) {
	const zone = byId('timezone');
	const value = byId('filter-value').value.trim();
	const since = byId('since').value;
	const until = byId('until').value;

	zone.setCustomValidity(
	    isZone(zone.value) ? '' : 'The name of a time zone, as Europe/Berlin');
	if (!zone.reportValidity())
		return null;
	const filters =
	    value === '' ? state.filters : {...state.filters, [byId('filter').value]: value };

	byId('filter-value').value = '';
	return {
		...state,
		filters,
		since,
		until,
		range: byId('range').value,
		bucket: byId('bucket').value,
		timezone: zone.value,
	};
}

/* change: called with the state that is asked for. */
export function listen(current, change) {
	const apply = () => {
		const state = current() === null ? null : take(current());

		if (state !== null)
			change(state);
	};

	byId('zones').replaceChildren(...(Intl.supportedValuesOf?.('timeZone') ??
	    []).map((zone) => el('option', { value: zone })));
	byId('picker').addEventListener('submit', (event) => {
		event.preventDefault();
		apply();
	});
	for (const id of ['range', 'bucket', 'timezone'])
		byId(id).addEventListener('change', apply);
	for (const id of ['since', 'until']) {
		byId(id).addEventListener('change', () => {
			byId('range').value = 'custom';
			if (byId('since').value > byId('until').value)
				byId(id === 'since' ? 'until' : 'since').value = byId(id).value;
		});
	}
}
