import assert from 'node:assert/strict';
import test from 'node:test';

import {answers, read, resolve, write} from '../../app/dashboard/range.js';
import {rfc3339} from '../../app/dashboard/zone.js';

const NOW = Date.parse('2026-11-22T10:30:00Z');

test('what is read from an address is written into it', () => {
	const rows = [
		'', 'range=today', 'range=month&bucket=day', 'since=2023-11-16&until=2023-11-17',
		'range=30d&timezone=Asia%2FKolkata&model=gpt-4o&feature=a%26b',
		'user_id=x&records=failed',
		'records=all&from=2026-11-01T00%3A00%3A00.000Z&to=2026-11-02T00%3A00%3A00.000Z'
	];

	for (const query of rows)
		assert.equal(write(read(`?${query}`, 'UTC'), 'UTC'), query);
});

test('what an address cannot mean is as if it were not there', () => {
	const rows = [
		'range=forever', 'since=2023-11-31', 'since=2023-11-17&until=2023-11-16',
		'since=2020-01-01&until=2023-01-01', 'bucket=week', 'timezone=Mars', 'records=some',
		'model=', 'from=now', 'other=1'
	];

	for (const query of rows)
		assert.equal(write(read(`?${query}`, 'UTC'), 'UTC'), '', query);
});

test('a range has its instants and its buckets', () => {
	const rows = [
		[
			'today by the hour', 'range=today', '2026-11-22T00:00:00Z',
			'2026-11-22T10:30:00Z', 'hour', false
		],
		['a week by day', '', '2026-11-16T00:00:00Z', '2026-11-22T10:30:00Z', 'day', false],
		[
			'the month so far', 'range=month', '2026-11-01T00:00:00Z',
			'2026-11-22T10:30:00Z', 'day', false
		],
		[
			'a day that is over', 'since=2023-11-16', '2023-11-16T00:00:00Z',
			'2023-11-17T00:00:00Z', 'hour', true
		],
		[
			'a week by the hour', 'bucket=hour', '2026-11-16T00:00:00Z',
			'2026-11-22T10:30:00Z', 'hour', false
		],
		[
			'too many hours', 'range=90d&bucket=hour', '2026-08-25T00:00:00Z',
			'2026-11-22T10:30:00Z', 'day', false
		],
		[
			'days to come', 'since=2026-11-30', '2026-11-30T00:00:00Z',
			'2026-12-01T00:00:00Z', 'hour', false
		],
		[
			'another zone', 'range=today&timezone=Asia/Kolkata', '2026-11-21T18:30:00Z',
			'2026-11-22T10:30:00Z', 'hour', false
		],
	];

	for (const [sentence, query, since, until, bucket, ended] of rows) {
		const range = resolve(read(`?${query}`, 'UTC'), NOW);

		assert.deepEqual(
		    [rfc3339(range.since), rfc3339(range.until), range.bucket, range.ended],
		    [since, until, bucket, ended], sentence);
	}
});

test('sums are asked for where they are kept', () => {
	const rows = [
		[{}, '', true],
		[{}, 'user', true],
		[{}, 'model', true],
		[{ model: 'm', feature: 'f' }, 'feature', true],
		[{ model: 'm' }, 'user', false],
		[{ user_id: 'u' }, '', true],
		[{ user_id: 'u' }, 'user', true],
		[{ user_id: 'u' }, 'model', false],
		[{ user_id: 'u', model: 'm' }, '', false],
		[{ tag: 't' }, '', true],
		[{ tag: 't' }, 'user', false],
	];

	for (const [filters, grouping, expected] of rows)
		assert.equal(
		    answers(filters, grouping), expected, JSON.stringify([filters, grouping]));
});
