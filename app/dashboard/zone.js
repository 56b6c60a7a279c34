/*
 * Days and clocks of a time zone. An instant is milliseconds since 1970, a date is a text
 * YYYY-MM-DD.
 */
const DAY = 86_400_000;
const formats = new Map();

function format(zone, name, options) {
	const key = `${name} ${zone}`;

	if (!formats.has(key))
		formats.set(key, new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options }));
	return formats.get(key);
}

export function isZone(zone) {
	try {
		return zone !== '' && Boolean(new Intl.DateTimeFormat('en-GB', { timeZone: zone }));
	} catch {
		return false;
	}
}

function parts(zone, at) {
	const shown = format(zone, 'parts', {
		calendar: 'iso8601', hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit',
		hour: '2-digit', minute: '2-digit', second: '2-digit',
	}).formatToParts(at);

	return Object.fromEntries(shown.map(({ type, value }) => [type, value]));
}

export function dateOf(zone, at) {
	const { year, month, day } = parts(zone, at);

	return `${year.padStart(4, '0')}-${month}-${day}`;
}

export function clockOf(zone, at) {
	const { hour, minute } = parts(zone, at);

	return `${hour}:${minute}`;
}

function offset(zone, at) {
	const { year, month, day, hour, minute, second } = parts(zone, at);

	return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

export function isDate(date) {
	const at = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : NaN;

	return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
}

export function addDays(date, days) {
	return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);
}

/* The first instant of the date; of the next one where the zone never had it. */
export function dayStart(zone, date) {
	const wall = Date.parse(`${date}T00:00:00Z`);
	const starts = [wall - DAY, wall + DAY]
		.map((near) => wall - offset(zone, near))
		.filter((at) => dateOf(zone, at) >= date && dateOf(zone, at - 1) < date);

	return starts.length > 0 ? Math.min(...starts) : dayStart(zone, addDays(date, 1));
}

/* As the API takes it. */
export function rfc3339(at) {
	return new Date(at).toISOString().replace('.000Z', 'Z');
}

/* 16 Nov 2023, 18:04:05 */
export function longTime(zone, at) {
	return format(zone, 'long', {
		day: 'numeric', month: 'short', year: 'numeric', hourCycle: 'h23',
		hour: '2-digit', minute: '2-digit', second: '2-digit',
	}).format(at);
}

export function shortDay(zone, at) {
	return format(zone, 'day', { weekday: 'short', day: 'numeric', month: 'short' }).format(at);
}

/* The two largest units of a time that is left or gone. */
export function duration(ms) {
	const minutes = Math.floor(Math.max(0, ms) / 60_000);
	const hours = Math.floor(minutes / 60);
	const days = Math.floor(hours / 24);

	if (days > 0)
		return `${days} d ${hours % 24} h`;
	if (hours > 0)
		return `${hours} h ${minutes % 60} min`;
	return minutes > 0 ? `${minutes} min` : `${Math.floor(Math.max(0, ms) / 1000)} s`;
}
