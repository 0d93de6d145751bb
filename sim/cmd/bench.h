/* bench.h -- The benchmarks of their own kind. */
#ifndef SIM_CMD_BENCH_H
#define SIM_CMD_BENCH_H

/* `zksim bench explore`; returns the exit status. */
int bench_explore(unsigned repetitions);

#endif
