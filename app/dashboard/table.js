/*
 * A table as the page shows it and as CSV has it: one description for both, so that they cannot
 * differ. A cell is { text, value, node }: what is read, what CSV has (text where not given), and
 * an element to show in its place.
 */
import {el, money as moneyElement} from './dom.js';
import {count, decimal} from './money.js';

export function text(value, node = null) {
	return { text: value ?? '', node };
}

export function number(value) {
	return value === null || value === undefined ?
	    { text: '\u2013', value: '', numeric: true } :
	    { text: count(value), value: String(value), numeric: true };
}

export function money(amount) {
	return amount === null ?
	    { text: '\u2013', value: '', numeric: true } :
	    { value: decimal(amount), node: moneyElement(amount), numeric: true };
}

function show(cell, name, scope) {
	return el(name, { class: cell.numeric ? 'number' : null, scope }, cell.node ?? cell.text);
}

function row(cells, heading) {
	return el('tr', {},
	    cells.map((cell, at) => (
			  heading && at === 0 ? show(cell, 'th', 'row') : show(cell, 'td', null))));
}

/* description: { caption, head: [cell], rows: [[cell]], foot: [cell] or null } */
export function table(description) {
	const { caption, head, rows, foot } = description;

	return el('table', {}, el('caption', {}, caption),
	    el('thead', {},
		el('tr', {},
		    head.map((cell, at) =>
				 show({...cell, numeric: rows[0]?.[at].numeric }, 'th', 'col')))),
	    el('tbody', {}, rows.map((cells) => row(cells, true))),
	    foot ? el('tfoot', {}, row(foot, true)) : null);
}

/* A text that a spreadsheet would take for a formula is quoted for it, too. */
function field(cell) {
	const plain = cell.value ?? cell.text;
	const safe = !cell.numeric && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;

	return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/* RFC 4180. */
export function csv({head, rows, foot}) {
	return [head, ...rows, ...(foot ? [foot] : [])]
	    .map((cells) => `${cells.map(field).join(',')}\r\n`)
	    .join('');
}

export function download(name, content) {
	const url = URL.createObjectURL(new Blob([content], { type: 'text/csv;charset=utf-8' }));

	el('a', { href: url, download: name }).click();
	URL.revokeObjectURL(url);
}
