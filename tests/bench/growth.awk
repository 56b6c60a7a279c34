# What growth.gp draws, as JSON and as a table, of two files: "subject at rate p50 p99 errors";
# "subject at process milliseconds-per-1000 switches MiB". With stats.awk. A millisecond for 1,000
# records is a microsecond for one.

# 10000 as 10,000
function grouped(n,    tail) {
	for (; length(n) > 3; n = substr(n, 1, length(n) - 3))
		tail = "," substr(n, length(n) - 2) tail
	return n tail
}

FNR == 1 { file++ }

file == 1 {
	key = $1 " " $2
	if (!(key in known)) {
		known[key] = 1
		points[++point_count] = key
	}
	add("rate " key, $3)
	add("p50 " key, $4)
	add("p99 " key, $5)
	add("errors " key, $6)
	next
}

($1 " " $2) in known { add($3 " " $1 " " $2, $4) }

END {
	n = split("nginx tallyd postgres redis", processes, " ")
	printf "\n%-12s %8s %10s %9s %9s %7s   CPU microseconds a record: %s\n", "subject", "at", "records/s", \
		"p50 ms", "p99 ms", "errors", "nginx, tallyd, postgres, redis"
	for (i = 1; i <= point_count; i++) {
		key = points[i]
		split(key, part, " ")
		median("errors " key)
		errors = highest
		text = cpu = ""
		for (j = 1; j <= n; j++) {
			text = text sprintf(" %.1f", median(processes[j] " " key))
			cpu = cpu sprintf("%s\"%s\":%s", j > 1 ? "," : "", processes[j], json_range(processes[j] " " key))
		}
		line = sprintf("%.0f %.3f %.3f", median("rate " key), median("p50 " key), median("p99 " key))
		print grouped(part[2]), line text >(folder "/growth." part[1])
		split(line, shown, " ")
		printf "%-12s %8d %10s %9s %9s %7d  %s\n", part[1], part[2], shown[1], shown[2], shown[3], errors, text
		all = joined(all, sprintf("{\"subject\":\"%s\",\"at\":%d,\"records_per_s\":%s,\"p50_ms\":%s,\"p99_ms\":%s," \
			"\"errors\":%d,\"cpu_us\":{%s}}", part[1], part[2], json_range("rate " key), json_range("p50 " key), \
			json_range("p99 " key), errors, cpu))
	}
	printf "{\"at\":\"%s\",\"machine\":\"%s\",\"rounds\":%d,\"seconds\":%d,\"points\":[\n%s\n]}\n", when, machine, \
		rounds, seconds, all >json
}
