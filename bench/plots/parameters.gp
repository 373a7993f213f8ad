set xrange [-0.2:16.2]
set xtics 2
set yrange [0:*]
set xlabel 'parameters'
set ylabel 'a hit of one row, ns'
plot csv using 1:2 with linespoints title 'integers', '' using 1:3 with linespoints title 'texts of 20 characters'
