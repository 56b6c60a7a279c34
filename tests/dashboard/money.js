import assert from 'node:assert/strict';
import test from 'node:test';

import {parse} from '../../app/dashboard/json.js';
import {count, decimal, dollars, glance, nanos, percent, sum} from '../../app/dashboard/money.js';

test('cents become whole nano-dollars, and dollars again', () => {
	const rows = [
		['a cent', '1', 10_000_000n, '0.01'],
		['the smallest amount', '0.0000001', 1n, '0.000000001'],
		['nothing', '0', 0n, '0.00'],
		['zeros behind it', '12.3400000000', 123_400_000n, '0.1234'],
		['a correction', '-4.5', -45_000_000n, '-0.045'],
		[
			'more than a double holds', '922337203685.4775807', 9223372036854775807n,
			'9223372036.854775807'
		],
	];

	for (const [sentence, cents, amount, text] of rows) {
		assert.equal(nanos(cents), amount, sentence);
		assert.equal(decimal(amount), text, sentence);
	}
});

test('what is no amount is refused', () => {
	for (const text of ['', ' 1', '1e3', '1.', '.5', '0.00000001', 'NaN', 'null', '1,5', '--1'])
		assert.throws(() => nanos(text), RangeError, text);
});

test('a sum is exact where doubles are not', () => {
	const amounts = Array.from({ length: 10 }, () => nanos('0.1'));

	assert.equal(decimal(sum(amounts)), '0.01');
	assert.equal(sum([]), 0n);
});

test('people read groups of three, and a true minus', () => {
	assert.equal(dollars(1_234_567_890_000_000n), '$1,234,567.89');
	assert.equal(dollars(-1_500_000_000n), '\u2212$1.50');
	assert.equal(count(1234567n), '1,234,567');
	assert.equal(count('999'), '999');
	assert.equal(count(-1234n), '\u22121,234');
});

test('at a glance an amount is rounded half up', () => {
	const rows = [
		['a dollar and more to the cent', 1_005_000_000n, '$1.01'],
		['just under half a cent', 1_004_999_999n, '$1.00'],
		['cents to a hundredth of them', 12_345_678n, '$0.0123'],
		['less exactly', 1_234_567n, '$0.001234567'],
		['nothing', 0n, '$0.00'],
		['of what is owed too', -1_005_000_000n, '\u2212$1.01'],
	];

	for (const [sentence, amount, text] of rows)
		assert.equal(glance(amount), text, sentence);
});

test('percent have two decimals at most', () => {
	assert.equal(percent(2n, 3n), '66.67\u00a0%');
	assert.equal(percent(1n, 2n), '50\u00a0%');
	assert.equal(percent(0n, 7n), '0\u00a0%');
	assert.equal(percent(2n, 1n), '200\u00a0%');
	assert.equal(percent(0n, 0n), null);
});

test('numbers in JSON stay the texts they are', () => {
	assert.deepEqual(
	    parse('{"a":0.1234567,"b":[1,-2.50,1e400],"c":"3 \\"4\\" 5\\\\","d":null,"e":true}'),
	    { a: '0.1234567', b: ['1', '-2.50', '1e400'], c: '3 "4" 5\\', d: null, e: true });
	assert.equal(
	    parse('{"cost_cents":90071992547409.9300001}').cost_cents, '90071992547409.9300001');
	assert.throws(() => parse('<html>'), SyntaxError);
});
