/*
 * Money is a BigInt of nano-dollars: a cent is 10^7 of them. What the service writes has at most
 * seven decimals of a cent; more would not be a whole number of nano-dollars and is refused.
 */
const CENT_DECIMALS = 7;
const DOLLAR_DECIMALS = 9;
const DOLLAR = 10n ** 9n;

export function nanos(cents) {
	const found = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(cents));
	const rest = (found?.[3] ?? '').replace(/0+$/, '');

	if (found === null || rest.length > CENT_DECIMALS)
		throw new RangeError('not an amount in cents');
	const value = BigInt(found[2] + rest.padEnd(CENT_DECIMALS, '0'));
	return found[1] === '-' ? -value : value;
}

export function sum(amounts) {
	return amounts.reduce((total, amount) => total + amount, 0n);
}

function places(amount, decimals, least) {
	const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0');
	const whole = digits.slice(0, digits.length - decimals);
	const rest = digits.slice(digits.length - decimals).replace(/0+$/, '').padEnd(least, '0');

	return (amount < 0n ? '-' : '') + whole + (rest === '' ? '' : `.${rest}`);
}

/* Exactly, in dollars, without a sign of currency: what a CSV holds. */
export function decimal(amount) {
	return places(amount, DOLLAR_DECIMALS, 2);
}

function group(text) {
	return text.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ','));
}

function signed(text) {
	return text.startsWith('-') ? `\u2212$${text.slice(1)}` : `$${text}`;
}

/* Exactly, for people. */
export function dollars(amount) {
	return signed(group(decimal(amount)));
}

/* Half up, away from zero. */
function round(amount, decimals) {
	const unit = 10n ** BigInt(DOLLAR_DECIMALS - decimals);
	const half = amount < 0n ? -unit / 2n : unit / 2n;

	return ((amount + half) / unit) * unit;
}

/* Rounded to what can be read at a glance. */
export function glance(amount) {
	const size = amount < 0n ? -amount : amount;
	const decimals = size >= DOLLAR ? 2 : size >= DOLLAR / 100n ? 4 : DOLLAR_DECIMALS;

	return signed(group(places(round(amount, decimals), DOLLAR_DECIMALS, 2)));
}

export function count(value) {
	return group(String(value)).replace('-', '\u2212');
}

/* "1 call", "2 calls" */
export function many(value, noun) {
	return `${count(value)} ${noun}${String(value) === '1' ? '' : 's'}`;
}

/* Hundredths of a percent, half up; null where there is no whole. */
export function percent(part, whole) {
	if (whole === 0n)
		return null;
	const hundredths = (part * 20000n + whole) / (whole * 2n);
	return `${places(hundredths, 2, 0)}\u00a0%`;
}
