/*
 * When a budget runs out at the present rate: that of its open window so far. Amounts are BigInt
 * of any one unit, times are milliseconds.
 */
const SOONEST = 60_000;

/* state: "used" up, "runs" out at `at`, "lasts" until the window ends, "idle" where nothing was
 * spent, "unknown" where the window has no beginning or has only just begun. */
export function runsOut({spent, left, start, end, now}) {
	if (left <= 0n)
		return { state: 'used' };
	if (spent <= 0n)
		return { state: 'idle' };
	if (start === null || now - start < SOONEST)
		return { state: 'unknown' };
	const at = now + Number((left * BigInt(Math.round(now - start))) / spent);
	if (end !== null && at >= end)
		return { state: 'lasts', at: end };
	return Number.isFinite(new Date(at).getTime()) ? { state: 'runs', at } : { state: 'idle' };
}
