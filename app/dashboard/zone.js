/*
 * Days and clocks of a time zone. An instant is milliseconds since 1970, a date is a text
 * YYYY-MM-DD.
 */
const DAY = 86_400_000;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const formats = new Map();

function formatOf(zone) {
	if (!formats.has(zone))
		formats.set(zone, new Intl.DateTimeFormat('en-GB', {
			timeZone: zone,
			calendar: 'iso8601',
			hourCycle: 'h23',
			year: 'numeric',
			month: '2-digit',
			day: '2-digit',
			hour: '2-digit',
			minute: '2-digit',
			second: '2-digit',
		}));
	return formats.get(zone);
}

export function isZone(zone) {
	try {
		return zone !== '' && Boolean(new Intl.DateTimeFormat('en-GB', { timeZone: zone }));
	} catch {
		return false;
	}
}

function parts(zone, at) {
	const shown = formatOf(zone).formatToParts(at);

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
	const { year, month, day, hour, minute, second } = parts(zone, at);

	return `${Number(day)} ${MONTHS[month - 1]} ${year}, ${hour}:${minute}:${second}`;
}

/* Thu 16 Nov */
export function shortDay(zone, at) {
	const date = dateOf(zone, at);
	const weekday = WEEKDAYS[new Date(`${date}T00:00:00Z`).getUTCDay()];

	return `${weekday} ${Number(date.slice(8))} ${MONTHS[date.slice(5, 7) - 1]}`;
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
