import assert from 'node:assert/strict';
import test from 'node:test';

import {runsOut} from '../../app/dashboard/runout.js';
import {classes, fold, matrix, nothing} from '../../app/dashboard/sums.js';
import {csv, money, number, text} from '../../app/dashboard/table.js';

function group(model, cents, calls, other = false) {
	return { model, other, cost_cents: cents, calls: String(calls), failed_calls: '1' };
}

const answer = {
	data: [
		{
			start: '2026-11-21T00:00:00Z',
			end: '2026-11-22T00:00:00Z',
			adjustments_cents: '0.5',
			groups: [
				group('a', '0.1', 1), group('b', '0.2', 2), group(null, '0', 3),
				group(null, '9', 4, true)
			]
		},
		{
			start: '2026-11-22T00:00:00Z',
			end: '2026-11-23T00:00:00Z',
			groups: [group('a', '0.2', 5)]
		},
	]
};

test('groups are added over buckets, the dearest first, the others last', () => {
	const { buckets, keys, total } = matrix(answer, 'model');

	assert.deepEqual(
	    keys.map(({ value, other, sums }) => [value, other, sums.cost, sums.calls]), [
		    ['a', false, 3_000_000n, 6n], ['b', false, 2_000_000n, 2n],
		    [null, false, 0n, 3n], [null, true, 90_000_000n, 4n]
	    ]);
	assert.equal(total.cost, 95_000_000n);
	assert.equal(total.failed_calls, 5n);
	assert.deepEqual(buckets.map(({ sums, adjustments }) => [sums.cost, adjustments]),
	    [[93_000_000n, 5_000_000n], [2_000_000n, 0n]]);
});

test('what is folded keeps the sum', () => {
	const { keys, total } = matrix(answer, 'model');
	const folded = fold(keys, 1);

	assert.deepEqual(
	    folded.map(({ value, other, sums }) => [value, other, sums.cost, sums.calls]),
	    [['a', false, 3_000_000n, 6n], [null, true, 92_000_000n, 9n]]);
	assert.equal(folded[1].cells.get(0).cost, 92_000_000n);
	assert.equal(folded.reduce((all, key) => all + key.sums.cost, 0n), total.cost);
	assert.equal(fold(keys.slice(0, 2), 2).length, 2);
});

test('a token is in one class', () => {
	const sums = {
		...nothing(),
		total_tokens: 100n,
		input_tokens: 40n,
		cached_input_tokens: 20n,
		cache_write_tokens: 5n,
		output_tokens: 30n,
		reasoning_tokens: 10n
	};

	assert.deepEqual(classes(sums),
	    { input: 40n, cached: 20n, written: 5n, output: 20n, reasoning: 10n, other: 5n });
});

test('a budget runs out at its rate', () => {
	const hour = 3_600_000;
	const rows = [
		[
			'half in half the time lasts',
			{ spent: 50n, left: 50n, start: 0, end: 10 * hour, now: 5 * hour },
			{ state: 'lasts', at: 10 * hour }
		],
		[
			'a bit more runs out before',
			{ spent: 60n, left: 40n, start: 0, end: 10 * hour, now: 6 * hour - 1 },
			{ state: 'runs', at: 10 * hour - 2 }
		],
		[
			'nothing left', { spent: 60n, left: 0n, start: 0, end: hour, now: 1 },
			{ state: 'used' }
		],
		[
			'nothing spent', { spent: 0n, left: 5n, start: 0, end: hour, now: 1 },
			{ state: 'idle' }
		],
		[
			'just begun', { spent: 1n, left: 5n, start: 0, end: hour, now: 59_999 },
			{ state: 'unknown' }
		],
		[
			'a window that rolls',
			{ spent: 1n, left: 5n, start: null, end: null, now: hour },
			{ state: 'unknown' }
		],
		[
			'a window without an end',
			{ spent: 1n, left: 9n, start: 0, end: null, now: hour },
			{ state: 'runs', at: 10 * hour }
		],
		[
			'in more years than a clock has',
			{ spent: 1n, left: 10n ** 18n, start: 0, end: null, now: hour },
			{ state: 'idle' }
		],
	];

	for (const [sentence, budget, expected] of rows)
		assert.deepEqual(runsOut(budget), expected, sentence);
});

test('CSV has exact values, quotes, and no formulas', () => {
	const plain = (amount) => ({ value: String(amount), numeric: true });

	assert.equal(csv({
		head: [text('a,b'), text('say "x"')],
		rows:
		    [[text('=1+1'), number(1234n)], [{ text: 'shown', value: '@sum' }, plain(-1)]],
		foot: [text(null), number(null)],
	}),
	    '"a,b","say ""x"""\r\n\'=1+1,1234\r\n\'@sum,-1\r\n,\r\n');
	assert.equal(typeof money, 'function');
});
