/*
 * Drawing by Chart.js, which Debian's package brings: a script of its own, as its name in the page
 * is Chart. Without it the tables behind the charts are what is shown.
 */
const SERIES = 11;

function style(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function colours() {
	return {
		series: Array.from({ length: SERIES }, (_, at) => style(`--series-${at + 1}`)),
		other: style('--series-other'),
		text: style('--text'),
		grid: style('--line'),
	};
}

function scales(kind, unit, { text, grid }) {
	const ticks = { color: text, font: { size: 12 } };

	return {
		x: {
			stacked: kind === 'bar',
			grid: { display: false },
			ticks: {...ticks, maxRotation: 0, autoSkipPadding: 12 },
		},
		y: {
			stacked: kind === 'bar',
			beginAtZero: true,
			max: unit.max,
			grid: { color: grid, borderColor: grid },
			ticks: {...ticks, maxTicksLimit: 6, callback: unit.tick },
		},
	};
}

function options(kind, unit, palette) {
	return {
		animation: false,
		maintainAspectRatio: false,
		interaction: { mode: 'index', intersect: false },
		scales: scales(kind, unit, palette),
		plugins: {
			legend: {
				position: 'bottom',
				labels: {
					color: palette.text,
					boxWidth: 12,
					boxHeight: 12,
					padding: 10
				},
			},
			tooltip: {
				callbacks: {
					label: ({ dataset, dataIndex, raw }) =>
					    `${dataset.label}: ${
						dataset.texts?.[dataIndex] ?? unit.tick(raw)}`
				}
			},
		},
	};
}

function dataset(kind, series, at, palette) {
	const colour = series.other ? palette.other : palette.series[at % SERIES];

	return {
		label: series.label,
		data: series.values,
		texts: series.texts,
		backgroundColor: colour,
		borderColor: colour,
		borderWidth: kind === 'bar' ? 0 : 2,
		pointRadius: series.values.length > 60 ? 0 : 3,
		maxBarThickness: 72,
		clip: 6,
	};
}

export class Drawing {
	constructor(canvas, kind, unit) {
		this.canvas = canvas;
		this.kind = kind;
		this.unit = unit;
		this.last = { labels: [], series: [] };
	}

	/* series: [{ label, values, texts, other }]; values are for the eye, texts are exact. */
	draw(labels, series) {
		const Chart = globalThis.Chart;

		this.last = { labels, series };
		if (Chart === undefined)
			return false;
		const palette = colours();
		const datasets = series.map((one, at) => dataset(this.kind, one, at, palette));
		const data = { labels, datasets };
		const shown = options(this.kind, this.unit, palette);

		if (this.chart === undefined) {
			this.chart =
			    new Chart(this.canvas, { type: this.kind, data, options: shown });
		} else {
			this.chart.data = data;
			this.chart.options = shown;
			this.chart.update('none');
		}
		return true;
	}

	/* With the colours that hold now. */
	redraw() {
		if (this.chart !== undefined)
			this.draw(this.last.labels, this.last.series);
	}
}
