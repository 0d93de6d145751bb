# How probable the violation is when everything after a time is drawn anew.  `zksim why SCENARIO --seed N -o OUT` runs this with
# ZKSIM_HISTORY (a line with the title behind "# ", then lines of: seconds, probability, samples), ZKSIM_OUTPUT, ZKSIM_TERMINAL.

eval("set terminal " . system("printf %s \"$ZKSIM_TERMINAL\""))
set output system("printf %s \"$ZKSIM_OUTPUT\"")
data = system("printf %s \"$ZKSIM_HISTORY\"")

set title system("head -n 1 \"$ZKSIM_HISTORY\" | cut -c 3-") noenhanced
set xlabel "virtual time until which the failing seed decides (s)"
set ylabel "probability of the violation"
set yrange [0 : 1.05]
set grid back lc rgb "#dddddd"
unset key

# the standard error of a share among so many samples
deviation(p, n) = sqrt(p * (1 - p) / n)
plot data using 1:2:(deviation($2, $3)) with yerrorbars pt 7 ps 0.6 lc rgb "#aa3377", \
     data using 1:2 with lines lw 2 lc rgb "#4477aa"
