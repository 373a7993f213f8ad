set logscale x
set xrange [1000:*]
set yrange [0:*]
set xlabel 'entries kept'
set ylabel 'reading a random one, ns'
set format x '%.0f'
set key bottom right
plot csv using 1:2 with linespoints title 'hit', '' using 1:3 with linespoints title 'primary-key lookup'
