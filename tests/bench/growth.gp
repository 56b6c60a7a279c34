# One SVG of growth.awk's lines (data), named by what grows (label): latency above, CPU below.
set terminal svg size 720,520 font "sans-serif,13" background "white"
set border 3
set xtics nomirror scale 0.5
set ytics nomirror
unset mytics
set grid ytics lc rgb "#dddddd" lt 1
set offsets 0.2, 0.2, 0, 0
set lmargin 10
set rmargin 18
set key samplen 3
set multiplot

set origin 0, 0.5
set size 1, 0.5
set title "latency, ms" offset 0, -0.5
set logscale y
set yrange [1:*]
set ytics (1, 3, 10, 30, 100, 300, 1000, 3000)
set key at graph 1.03, 0.95 left Left reverse
plot data using 0:4:xtic(1) with linespoints lw 2 pt 7 ps 0.5 lc rgb "#c0392b" title "p99", \
	data using 0:3 with linespoints lw 2 pt 7 ps 0.5 lc rgb "#2471a3" title "p50"

set origin 0, 0
set title "CPU for a record, microseconds"
unset logscale y
set ytics autofreq
set yrange [0:*]
set xlabel label
plot data using 0:($5+$6+$7+$8):xtic(1) with linespoints lw 2 pt 7 ps 0.5 lc rgb "#333333" title "all", \
	data using 0:7 with linespoints lw 2 pt 7 ps 0.5 lc rgb "#2471a3" title "PostgreSQL", \
	data using 0:6 with linespoints lw 2 pt 7 ps 0.5 lc rgb "#c0392b" title "tallyd", \
	data using 0:5 with linespoints lw 2 pt 7 ps 0.5 lc rgb "#27ae60" title "nginx", \
	data using 0:8 with linespoints lw 2 pt 7 ps 0.5 lc rgb "#e67e22" title "Redis"
