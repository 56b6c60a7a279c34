import assert from 'node:assert/strict';
import test from 'node:test';

import * as zone from '../../app/dashboard/zone.js';

const {
	addDays,
	clockOf,
	dateOf,
	dayStart,
	duration,
	isDate,
	isZone,
	longTime,
	rfc3339,
	shortDay
} = zone;

test('a day begins where its zone says', () => {
	const rows = [
		['UTC', 'UTC', '2023-11-16', '2023-11-16T00:00:00Z'],
		['east, by half hours', 'Asia/Kolkata', '2023-11-17', '2023-11-16T18:30:00Z'],
		['east, by quarters', 'Asia/Kathmandu', '2023-11-17', '2023-11-16T18:15:00Z'],
		['west', 'America/Los_Angeles', '2023-11-16', '2023-11-16T08:00:00Z'],
		[
			'the day clocks go forward', 'Europe/Berlin', '2026-03-29',
			'2026-03-28T23:00:00Z'
		],
		['the day after it', 'Europe/Berlin', '2026-03-30', '2026-03-29T22:00:00Z'],
		['a day without a midnight', 'Africa/Cairo', '2024-04-26', '2024-04-25T22:00:00Z'],
		[
			'a day with two midnights', 'America/Havana', '2023-11-05',
			'2023-11-05T04:00:00Z'
		],
		[
			'an evening that comes twice', 'America/Asuncion', '2024-03-24',
			'2024-03-24T04:00:00Z'
		],
		['a day that never was', 'Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00Z'],
	];

	for (const [sentence, name, date, start] of rows)
		assert.equal(rfc3339(dayStart(name, date)), start, sentence);
});

test('an instant has a date and a clock', () => {
	const at = Date.parse('2023-11-16T18:31:05.5Z');

	assert.equal(dateOf('Asia/Kolkata', at), '2023-11-17');
	assert.equal(clockOf('Asia/Kolkata', at), '00:01');
	assert.equal(longTime('Asia/Kolkata', at), '17 Nov 2023, 00:01:05');
	assert.equal(shortDay('Asia/Kolkata', at), 'Fri 17 Nov');
	assert.equal(shortDay('UTC', at), 'Thu 16 Nov');
	assert.equal(rfc3339(at), '2023-11-16T18:31:05.500Z');
});

test('dates are counted over months and leap days', () => {
	assert.equal(addDays('2024-02-28', 1), '2024-02-29');
	assert.equal(addDays('2026-01-01', -1), '2025-12-31');
	assert.equal(isDate('2024-02-29'), true);
	for (const text of ['2023-02-29', '2023-2-1', '', '20231116', '2023-11-16T00'])
		assert.equal(isDate(text), false, text);
});

test('only zones are zones', () => {
	assert.equal(isZone('Europe/Berlin'), true);
	assert.equal(isZone('Europe/Atlantis'), false);
	assert.equal(isZone(''), false);
});

test('what is left is told in two units', () => {
	assert.equal(duration(0), '0 s');
	assert.equal(duration(-5), '0 s');
	assert.equal(duration(59_999), '59 s');
	assert.equal(duration(60_000), '1 min');
	assert.equal(duration(3_600_000 * 7 + 60_000 * 12), '7 h 12 min');
	assert.equal(duration(86_400_000 * 3 + 3_600_000), '3 d 1 h');
});
