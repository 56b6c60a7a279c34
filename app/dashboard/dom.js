/*
 * Making elements. Text from outside becomes text nodes only: nothing here reads HTML.
 */
import {decimal, dollars, glance} from './money.js';

/* A child is an element or a text; null is left out. Attributes: true is an empty one, false none,
 * a function an event's handler. */
export function el(name, attributes = {}, ...children) {
	const element = document.createElement(name);

	for (const [attribute, value] of Object.entries(attributes)) {
		if (typeof value === 'function')
			element.addEventListener(attribute, value);
		else if (value === true)
			element.setAttribute(attribute, '');
		else if (value !== false && value !== null && value !== undefined)
			element.setAttribute(attribute, value);
	}
	element.append(...children.flat().filter((child) => child !== null));
	return element;
}

/* A button that reads like a link: title is what it does with what it names. */
export function link(title, child, click) {
	return el('button', { type: 'button', class: 'link', title, click }, child);
}

export function byId(id) {
	return document.getElementById(id);
}

/* The exact amount is the element's value, and what is shown where there is room. */
export function money(amount, rounded = false) {
	return el('data', { value: decimal(amount), title: rounded ? dollars(amount) : null },
	    rounded ? glance(amount) : dollars(amount));
}

/* at: as HTML writes it. */
export function when(at, text) {
	return el('time', { datetime: at }, text);
}

/* A bar with its part filled; of CSS's classes, as styles are the sheet's alone. */
export function meter(part, label) {
	const value = Math.min(100, Math.max(0, part));
	const state = part >= 100 ? 'over' : part >= 80 ? 'near' : 'fine';

	return el('progress', { max: 100, value, class: state, 'aria-label': label });
}
