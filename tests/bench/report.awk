# The tables of tests/bench/bench, and the same as JSON, of three files: rows; row side value, one
# line a round; row side process milliseconds-per-1000-requests switches-per-request.

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

function add(key, value) {
	values[key, ++count[key]] = value + 0
}

function number(value) {
	return sprintf(value >= 1000 || value == int(value) ? "%.0f" : value >= 10 ? "%.1f" : "%.3f", value)
}

function range(key,    m) {
	if (!count[key])
		return "-"
	m = median(key)
	return number(m) " (" number(lowest) "-" number(highest) ")"
}

function json_range(key,    m) {
	m = median(key)
	return sprintf("{\"median\":%.6g,\"min\":%.6g,\"max\":%.6g}", m, lowest, highest)
}

function judge(value, compare, target) {
	if (compare == "")
		return "-"
	return (compare == ">=" ? value >= target : value <= target) ? "met" : "missed"
}

function print_row(fields,    name, key, value, verdict, line) {
	name = fields[1]
	if (!count[name " figure"] || (fields[4] == "ratio" && !count[name " limit"])) {
		printf "%-10s %-38s not measured\n", name, fields[2]
		return
	}
	key = name " " (fields[4] == "ratio" ? "ratio" : "figure")
	value = median(key)
	if (fields[4] == "worst")
		value = highest
	verdict = judge(value, fields[5], fields[6])
	printf "%-10s %-38s %-27s %-27s %-22s %-8s %-7s %s\n", name, fields[2], range(name " figure"), \
		range(name " limit"), fields[4] == "ratio" ? range(key) : "-", \
		fields[5] == "" ? "-" : fields[5] " " fields[6], verdict, fields[3]
	line = sprintf("{\"row\":\"%s\",\"what\":\"%s\",\"unit\":\"%s\",\"figure\":%s", name, fields[2], \
		fields[3], json_range(name " figure"))
	if (fields[4] == "ratio")
		line = line ",\"limit\":" json_range(name " limit") ",\"ratio\":" json_range(key)
	if (fields[5] != "")
		line = line sprintf(",\"target\":\"%s %s\",\"met\":%s", fields[5], fields[6], \
			verdict == "met" ? "true" : "false")
	json_rows = json_rows (json_rows == "" ? "" : ",\n") line "}"
}

function print_spent(    i, j, n, key, line) {
	n = split("nginx tallyd empty postgres redis webdis", processes, " ")
	printf "\nCPU milliseconds per 1,000 requests, and context switches per request (P4: records)\n%-16s", ""
	for (j = 1; j <= n; j++)
		printf " %18s", processes[j]
	print ""
	for (i = 1; i <= loads; i++) {
		printf "%-16s", load_names[i]
		for (j = 1; j <= n; j++) {
			key = load_names[i] " " processes[j]
			if (!count["cpu " key] || (median("cpu " key) == 0 && highest == 0)) {
				printf " %18s", "-"
				continue
			}
			printf " %9.1f  %7.2f", median("cpu " key), median("switches " key)
			line = sprintf("{\"load\":\"%s\",\"process\":\"%s\",\"cpu_ms_per_1000\":%s,\"switches\":%s}", \
				load_names[i], processes[j], json_range("cpu " key), json_range("switches " key))
			json_spent = json_spent (json_spent == "" ? "" : ",\n") line
		}
		print ""
	}
}

FNR == 1 { file++ }

file == 1 {
	if (!/^#/)
		row[++row_count] = $0
	next
}

file == 2 {
	key = $1 " " $2
	add(key, $3)
	next
}

{
	load_name = $1 " " $2
	if (!(load_name in known)) {
		known[load_name] = 1
		load_names[++loads] = load_name
	}
	add("cpu " load_name " " $3, $4)
	add("switches " load_name " " $3, $5)
}

# A ratio is of a figure and a limit that were measured one after the other.
function add_ratios(name,    i) {
	for (i = 1; i <= count[name " limit"]; i++)
		add(name " ratio", values[name " figure", i] / values[name " limit", i])
}

END {
	printf "\n%s; load average at the end %s; %s rounds of %s s\n\n", machine, load, rounds, seconds
	printf "%-10s %-38s %-27s %-27s %-22s %-8s %-7s %s\n", "row", "", "figure (min-max)", \
		"limit", "ratio", "target", "verdict", "unit"
	for (i = 1; i <= row_count; i++) {
		split(row[i], fields, "|")
		add_ratios(fields[1])
		print_row(fields)
	}
	print_spent()
	printf "{\"at\":\"%s\",\"machine\":\"%s\",\"load_average\":\"%s\",\"rounds\":%d,\"seconds\":%d,\n" \
		"\"rows\":[\n%s\n],\n\"processes\":[\n%s\n]}\n", when, machine, load, rounds, seconds, json_rows, \
		json_spent >json
}
