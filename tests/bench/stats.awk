# Medians for report.awk and growth.awk. A key's values are those that add() was given.

function add(key, value) {
	values[key, ++count[key]] = value + 0
}

function sorted(key,    i, j, n, value) {
	n = count[key]
	for (i = 1; i <= n; i++) {
		value = values[key, i]
		for (j = i - 1; j > 0 && order[j] > value; j--)
			order[j + 1] = order[j]
		order[j + 1] = value
	}
	return n
}

# Leaves lowest and highest too.
function median(key,    n) {
	n = sorted(key)
	lowest = order[1]
	highest = order[n]
	return n % 2 ? order[(n + 1) / 2] : (order[n / 2] + order[n / 2 + 1]) / 2
}

function json_range(key,    m) {
	m = median(key)
	return sprintf("{\"median\":%.6g,\"min\":%.6g,\"max\":%.6g}", m, lowest, highest)
}

function joined(list, item) {
	return list (list == "" ? "" : ",\n") item
}
