/* plot.h -- Figures by gnuplot, for other commands too. */
#ifndef SIM_CMD_PLOT_H
#define SIM_CMD_PLOT_H

#include <stdbool.h>

/* The name ends with .png or .svg. */
bool plot_can_write(const char *output);

/* Runs plots/SCRIPT with ZKSIM_HISTORY (a history, or what the script reads), ZKSIM_OUTPUT and ZKSIM_TERMINAL; an exit status. */
int plot_with(const char *script, const char *input, const char *output);

#endif
