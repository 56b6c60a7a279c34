/*
 * The page: the key, the address, and when to ask again. All that is shown is asked for in
 * refresh(), and drawn when all of it is there.
 */
import * as api from './api.js';
import * as budgets from './budgets.js';
import * as controls from './controls.js';
import {byId} from './dom.js';
import * as lists from './lists.js';
import {forgetNames} from './names.js';
import {read, resolve, write} from './range.js';
import * as records from './records.js';
import * as tiles from './tiles.js';
import * as usage from './usage.js';
import {clockOf, longTime, rfc3339} from './zone.js';

const EVERY = 30_000;

/* zone: the client's own. */
let zone = null;
let state = null;
let asking = null;
let timer = 0;
/* Whether the records are to be gone to when they are there. */
let reveal = false;

const actions = {
	filter: (name, value) => go({...state, filters: {...state.filters, [name]: value } }),
	records: (which, from = null, to = null) => {
		reveal = which !== '';
		go({...state, records: which, from, to });
	},
};

function go(next) {
	const query = write(next, zone);

	state = read(query, zone);
	history.pushState(null, '', query === '' ? '/' : `/?${query}`);
	refresh();
}

function withoutFilter(name) {
	const { [name]: gone, ...filters } = state.filters;

	go({...state, filters });
}

function tell(text) {
	byId('trouble').textContent = text;
	byId('trouble').hidden = text === '';
}

function show(entry) {
	byId('entry').hidden = !entry;
	byId('figures').hidden = entry;
	byId('session').hidden = entry;
}

function leave(reason) {
	asking?.abort();
	clearTimeout(timer);
	api.forget();
	forgetNames();
	zone = null;
	state = null;
	byId('state').textContent = '';
	show(true);
	tell(reason);
	byId('key').focus();
}

function fail(error) {
	if (error.name === 'AbortError')
		return;
	if (!(error instanceof api.ApiError)) {
		tell(`The answer cannot be shown: ${error.message}`);
		throw error;
	}
	if (error.status === 401) {
		leave('The service does not know this key.');
	} else if (error.status === 403) {
		leave(`This key may not see the figures. ${error.message}`);
	} else {
		tell(error.status === 422 ?
			`That cannot be shown: ${error.message}` :
			`${error.message} What is shown is of an earlier time.`);
		byId('state').textContent = 'Not up to date';
		byId('session').hidden = false;
		byId('main').setAttribute('aria-busy', 'false');
	}
}

/* Once a key is there: whose zone is it? */
async function learnZone(signal) {
	const today = await api.get('/v1/daily-costs/today', {}, signal);

	zone = today.timezone;
}

async function ask(signal, now) {
	const range = resolve(state, now);
	const top = Object.keys(state.filters).length > 0 ?
	    null :
	    api.getIfOffered('/v1/analytics/top',
		{ by: 'model', limit: 1, since: rfc3339(range.since), until: rfc3339(range.until) },
		signal);

	return Promise.all([
		tiles.load(signal), usage.load(state, now, signal), budgets.load(signal),
		api.ready(signal), top,
		state.records === '' ? null : records.load(state, now, signal, fail)
	]);
}

function draw([figures, used, limits, ready, top, showRecords], now, quiet) {
	const { ended } = resolve(state, now);

	usage.show(used, state, actions);
	budgets.show(limits, state.timezone, now);
	tiles.show(
	    { figures, budgets: limits.budgets, usage: used, total: top?.total ?? null, ended },
	    state.timezone, now);
	lists.showTop(used, actions);
	lists.showUnpriced(used, actions);
	lists.showHealth(ready, figures.dashboard?.health ?? null, state.timezone, now);
	lists.showRefusals(figures.dashboard?.refusals);
	byId('record-list').hidden = showRecords === null;
	document.querySelector('[data-records=""]').hidden = showRecords === null;
	showRecords?.();
	if (reveal && showRecords !== null)
		records.panel.body.focus();
	reveal = false;
	controls.fill(state, now, withoutFilter, quiet);
	byId('state').setAttribute('aria-live', quiet ? 'off' : 'polite');
	byId('state').textContent = `As of ${clockOf(state.timezone, now)}:` +
	    `${longTime(state.timezone, now).slice(-2)}, ${state.timezone}`;
}

function later() {
	clearTimeout(timer);
	if (byId('live').checked && !document.hidden && api.key() !== null)
		timer = setTimeout(() => refresh(true), EVERY);
}

/* quiet: nobody has asked for it just now. */
async function refresh(quiet = false) {
	const now = Date.now();

	asking?.abort();
	asking = new AbortController();
	const { signal } = asking;
	clearTimeout(timer);
	byId('main').setAttribute('aria-busy', 'true');
	try {
		if (zone === null)
			await learnZone(signal);
		state ??= read(location.search, zone);
		show(false);
		const found = await ask(signal, now);

		if (signal.aborted)
			return;
		draw(found, now, quiet);
		tell('');
		byId('main').setAttribute('aria-busy', 'false');
	} catch (error) {
		fail(error);
	}
	if (!signal.aborted)
		later();
}

function build() {
	byId('panels').append(...['model', 'feature', 'user', 'tokens', 'success', 'latency'].map(
				  (name) => usage.panels[name].element),
	    budgets.panel.element, ...Object.values(lists.panels).map((panel) => panel.element));
	byId('record-list').append(records.panel.element);
}

function listen() {
	controls.listen(() => state, go);
	byId('entry').addEventListener('submit', (event) => {
		event.preventDefault();
		api.keep(byId('key').value.trim());
		byId('key').value = '';
		tell('');
		refresh();
	});
	byId('forget').addEventListener('click', () => leave(''));
	byId('refresh').addEventListener('click', () => refresh());
	byId('live').addEventListener('change', later);
	for (const button of document.querySelectorAll('[data-records]'))
		button.addEventListener('click', () => actions.records(button.dataset.records));
	document.addEventListener('visibilitychange',
	    () => (document.hidden ? clearTimeout(timer) :
				     api.key() !== null && byId('live').checked && refresh()));
	window.addEventListener('popstate', () => {
		state = zone === null ? null : read(location.search, zone);
		if (api.key() !== null)
			refresh();
	});
	matchMedia('(prefers-color-scheme: dark)')
	    .addEventListener('change',
		() => Object.values(usage.panels).forEach((panel) => panel.drawing.redraw()));
}

build();
listen();
if (api.key() === null) {
	show(true);
	byId('key').focus();
} else {
	refresh();
}
