set logscale xy
set xlabel 'rows of the result'
set ylabel 'reading all of it, µs'
set format x '%.0f'
plot csv using 1:2 with linespoints title 'hit', '' using 1:3 with linespoints title 'scan of a temp table'
