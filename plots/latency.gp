# Operation latency over time, with faults and leaders.  `zksim plot latency FILE -o OUT` runs this with three
# environment variables: ZKSIM_HISTORY (the file), ZKSIM_OUTPUT, ZKSIM_TERMINAL (a gnuplot terminal).
# All data comes from the history by SQL.

query(sql) = "< sqlite3 -readonly -separator '\t' \"$ZKSIM_HISTORY\" \"" . sql . "\""
answer(sql) = system(substr(query(sql), 3, strlen(query(sql))))

eval("set terminal " . system("printf %s \"$ZKSIM_TERMINAL\""))
set output system("printf %s \"$ZKSIM_OUTPUT\"")
set datafile separator "\t"
set encoding utf8

set title answer("SELECT replace(scenario, '_', ' ') || '   seed ' || seed FROM v_run") noenhanced
set xlabel "virtual time (s)"
set ylabel "latency (ms)"
set logscale y
set xrange [0 : answer("SELECT simulated_s FROM v_run") + 0]
set yrange [0.05 : 200000]
set grid back lc rgb "#dddddd"
set key outside top horizontal
set tmargin 6

# Leaders: a bar at the top for each time of leadership.
set style line 1 lc rgb "#4477aa"

plot \
  query("SELECT invoked_ms / 1e3, latency_ms FROM v_operations WHERE outcome = 'ok' AND operation NOT IN ('getData', 'exists', 'getChildren', 'getChildren2') AND latency_ms IS NOT NULL AND parent IS NULL") \
    using 1:2 with points pt 7 ps 0.25 lc rgb "#4477aa" title "writes", \
  query("SELECT invoked_ms / 1e3, latency_ms FROM v_operations WHERE outcome = 'ok' AND operation IN ('getData', 'exists', 'getChildren', 'getChildren2') AND latency_ms IS NOT NULL") \
    using 1:2 with points pt 7 ps 0.25 lc rgb "#66ccee" title "reads", \
  query("SELECT invoked_ms / 1e3, latency_ms FROM v_operations WHERE outcome IN ('indeterminate', 'not-sent') AND latency_ms IS NOT NULL AND parent IS NULL") \
    using 1:2 with points pt 2 ps 0.6 lc rgb "#ee6677" title "lost", \
  query("SELECT time_ms / 1e3, 0.06 FROM v_faults GROUP BY time_ms, fault") \
    using 1:2 with impulses lw 1 dt 2 lc rgb "#aa3377" title "faults", \
  query("SELECT time_ms / 1e3, 3, group_concat(label, ', ') FROM (SELECT DISTINCT time_ms, CASE WHEN detail LIKE fault || ' %' OR detail LIKE 'end of%' THEN substr(detail, 1, min(40, instr(replace(detail, 'end of:', 'end of ') || ':', ':') - 1)) ELSE fault END AS label FROM v_faults) WHERE (SELECT count(*) FROM v_faults) <= 60 GROUP BY time_ms") \
    using 1:2:3 with labels rotate left offset 0,0.4 font ",7" tc rgb "#aa3377" noenhanced notitle, \
  query("SELECT time_ms / 1e3, 0.05, 200000 - 0.05 FROM v_faults GROUP BY time_ms, fault") \
    using 1:2:(0):3 with vectors nohead lw 0.5 dt 3 lc rgb "#ccaabb" notitle, \
  query("SELECT from_ms / 1e3, 100000, (coalesce(until_ms, (SELECT simulated_s FROM v_run) * 1e3) - from_ms) / 1e3 FROM v_leaders") \
    using 1:2:3:(0) with vectors nohead lw 6 lc rgb "#228833" title "leader", \
  query("SELECT from_ms / 1e3, 40000, leader || ' e' || epoch FROM v_leaders WHERE (SELECT count(*) FROM v_leaders) <= 20") \
    using 1:2:3 with labels left font ",8" tc rgb "#228833" noenhanced notitle
