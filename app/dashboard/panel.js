/*
 * A panel: a heading, a chart where it has one, the table behind it, and its CSV. What it shows
 * changes in place, so that focus, scrolling and an open table stay.
 */
import {Drawing} from './charts.js';
import {el} from './dom.js';
import {csv, download, table} from './table.js';

export class Panel {
	/* kind: "bar", "line", or null for a table alone. */
	constructor(id, title, kind = null, unit = {}) {
		this.id = id;
		this.title = title;
		this.note = el('p', { class: 'note' });
		this.body = el('div', {
			class: 'scroll',
			tabindex: 0,
			role: 'region',
			'aria-label': `${title}: table`
		});
		this.save = el('button', {
			type: 'button',
			class: 'quiet',
			disabled: true,
			click: () => this.download()
		},
		    'CSV', el('span', { class: 'unseen' }, ` of ${title}`));
		this.element = el('section',
		    { class: 'panel', id, 'aria-labelledby': `${id}-title` },
		    el('header', {}, el('h2', { id: `${id}-title` }, title), this.save), this.note);
		if (kind === null)
			this.element.append(this.body);
		else
			this.addChart(kind, unit);
	}

	addChart(kind, unit) {
		this.canvas = el('canvas', { role: 'img', 'aria-label': this.title });
		this.frame = el('div', { class: 'chart' }, this.canvas);
		this.drawing = new Drawing(this.canvas, kind, unit);
		this.details = el('details', {},
		    el('summary', {}, 'Table',
			el('span', { class: 'unseen' }, ` of ${this.title}`)),
		    this.body);
		this.element.append(this.frame, this.details);
	}

	/* note: one sentence beside the heading; chart: { labels, series } where it has one. */
	show(description, { note = '', chart = null } = {}) {
		this.description = description;
		this.note.textContent = note;
		this.body.replaceChildren(table(description));
		this.save.disabled = false;
		this.element.classList.remove('empty');
		if (chart === null)
			return;
		this.canvas.setAttribute('aria-label', `${this.title}. ${note} The table follows.`);
		this.frame.hidden = false;
		this.details.hidden = false;
		if (!this.drawing.draw(chart.labels, chart.series)) {
			this.frame.hidden = true;
			this.details.open = true;
		}
	}

	/* Nothing to show, and why. */
	empty(reason) {
		this.note.textContent = reason;
		this.body.replaceChildren();
		this.save.disabled = true;
		this.element.classList.add('empty');
		if (this.frame !== undefined) {
			this.frame.hidden = true;
			this.details.hidden = true;
		}
	}

	download() {
		download(`tally-${this.id}.csv`, csv(this.description));
	}
}
