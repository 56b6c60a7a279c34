/*
 * Questions to the service. The key is kept for the tab only, and goes nowhere but into the header.
 */
import {parse} from './json.js';

const KEY = 'tally.key';

/* status 0: no answer came. */
export class ApiError extends Error {
	constructor(status, detail) {
		super(detail);
		this.status = status;
	}
}

export function key() {
	return sessionStorage.getItem(KEY);
}

export function keep(text) {
	sessionStorage.setItem(KEY, text);
}

export function forget() {
	sessionStorage.removeItem(KEY);
}

async function send(path, options) {
	try {
		return await fetch(path, { cache: 'no-store', credentials: 'omit', ...options });
	} catch (error) {
		if (error.name === 'AbortError')
			throw error;
		throw new ApiError(0, 'The service does not answer.');
	}
}

function problem(text) {
	try {
		const { detail, errors } = JSON.parse(text);
		const fields = (errors ?? []).map(({ field, message }) => `${field} ${message}`);

		return [detail, ...fields].filter(Boolean).join(' ');
	} catch {
		return 'The answer cannot be read.';
	}
}

function query(params) {
	const given =
	    Object.entries(params).filter(([, value]) => value !== null && value !== undefined);

	return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

/* Numbers in the answer are texts: see json.js. */
export async function get(path, params = {}, signal = undefined) {
	const headers = { Accept: 'application/json', Authorization: `Bearer ${key()}` };
	const answer = await send(path + query(params), { headers, signal });
	const text = await answer.text();

	if (!answer.ok)
		throw new ApiError(answer.status, problem(text));
	return parse(text);
}

let offered = null;

/* What not every service offers: null then. */
export async function getIfOffered(path, params, signal) {
	offered ??= Object.keys((await get('/v1/openapi.json', {}, signal)).paths);
	return offered.includes(path) ? get(path, params, signal) : null;
}

/* /readyz answers 503 with its checks where something is wrong. */
export async function ready(signal) {
	const answer = await send('/readyz', { signal });

	try {
		return parse(await answer.text());
	} catch {
		return { status: 'failing', checks: [] };
	}
}
