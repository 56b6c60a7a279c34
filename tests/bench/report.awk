# The tables of tests/bench/bench, and the same as JSON, of three files: rows; "row side value", one
# line a round; "row side process milliseconds-per-1000-requests switches-per-request MiB". With
# stats.awk.

function number(value) {
	return sprintf(value >= 1000 || value == int(value) ? "%.0f" : value >= 10 ? "%.1f" : "%.3f", value)
}

function range(key,    m) {
	if (!count[key])
		return "-"
	m = median(key)
	return number(m) " (" number(lowest) "-" number(highest) ")"
}

function judge(value, compare, target) {
	if (compare == "")
		return "-"
	return (compare == ">=" ? value >= target : value <= target) ? "met" : "missed"
}

function print_unmeasured(fields) {
	printf "%-14s %-40s not measured%s\n", fields[1], fields[2], fields[7] == "" ? "" : ": " fields[7]
	json_rows = joined(json_rows, sprintf("{\"row\":\"%s\",\"what\":\"%s\",\"unit\":\"%s\",\"figure\":null}", \
		fields[1], fields[2], fields[3]))
}

function print_row(fields,    name, key, value, verdict, line) {
	name = fields[1]
	key = name " " (fields[4] == "ratio" ? "ratio" : "figure")
	if (!count[key]) {
		print_unmeasured(fields)
		return
	}
	value = median(key)
	if (fields[4] == "worst")
		value = highest
	verdict = judge(value, fields[5], fields[6])
	printf "%-14s %-40s %-27s %-27s %-22s %-8s %-7s %s\n", name, fields[2], range(name " figure"), \
		range(name " limit"), fields[4] == "ratio" ? range(key) : "-", \
		fields[5] == "" ? "-" : fields[5] " " fields[6], verdict, fields[3]
	line = sprintf("{\"row\":\"%s\",\"what\":\"%s\",\"unit\":\"%s\",\"figure\":%s", name, fields[2], \
		fields[3], json_range(name " figure"))
	if (fields[4] == "ratio")
		line = line ",\"limit\":" json_range(name " limit") ",\"ratio\":" json_range(key)
	if (fields[5] != "")
		line = line sprintf(",\"target\":\"%s %s\",\"met\":%s", fields[5], fields[6], \
			verdict == "met" ? "true" : "false")
	json_rows = joined(json_rows, line "}")
}

function print_process(load, process,    key) {
	key = load " " process
	if (!count["cpu " key] || (median("cpu " key) == 0 && highest == 0)) {
		printf " %20s", "-"
		return
	}
	printf " %7.1f %6.2f %5.0f", median("cpu " key), median("switches " key), median("memory " key)
	json_spent = joined(json_spent, sprintf("{\"load\":\"%s\",\"process\":\"%s\",\"cpu_ms_per_1000\":%s," \
		"\"switches\":%s,\"memory_mib\":%s}", load, process, json_range("cpu " key), \
		json_range("switches " key), json_range("memory " key)))
}

function print_spent(    i, j, n, processes) {
	n = split("nginx tallyd empty postgres redis webdis", processes, " ")
	printf "\nCPU milliseconds per 1,000 requests, context switches per request, MiB of memory (P4: records)\n%-16s", ""
	for (j = 1; j <= n; j++)
		printf " %20s", processes[j]
	print ""
	for (i = 1; i <= loads; i++) {
		printf "%-16s", load_names[i]
		for (j = 1; j <= n; j++)
			print_process(load_names[i], processes[j])
		print ""
	}
}

# A ratio is of a figure and a limit that were measured one after the other.
function add_ratios(name,    i) {
	for (i = 1; i <= count[name " limit"] && i <= count[name " figure"]; i++)
		add(name " ratio", values[name " figure", i] / values[name " limit", i])
}

FNR == 1 { file++ }

file == 1 {
	if (!/^#/)
		row[++row_count] = $0
	next
}

file == 2 {
	add($1 " " $2, $3)
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
	add("memory " load_name " " $3, $6)
}

END {
	printf "\n%s; load average at the end %s; %s rounds of %s s; %d records stored, %d days to flush\n\n", \
		machine, load, rounds, seconds, records, days
	printf "%-14s %-40s %-27s %-27s %-22s %-8s %-7s %s\n", "row", "", "figure (min-max)", \
		"limit", "ratio", "target", "verdict", "unit"
	for (i = 1; i <= row_count; i++) {
		split(row[i], fields, "|")
		add_ratios(fields[1])
		print_row(fields)
	}
	print_spent()
	printf "{\"at\":\"%s\",\"machine\":\"%s\",\"load_average\":\"%s\",\"rounds\":%d,\"seconds\":%d," \
		"\"records\":%d,\"client_days\":%d,\n\"rows\":[\n%s\n],\n\"processes\":[\n%s\n]}\n", when, machine, \
		load, rounds, seconds, records, days, json_rows, json_spent >json
}
