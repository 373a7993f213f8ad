set xrange [0.8:8.2]
set xlabel 'threads'
set ylabel 'reads per second, thousands'
set arrow from cores, graph 0 to cores, graph 1 nohead linecolor rgb '#9aa0a6' dashtype 2
set label sprintf('%d cores', cores) at cores, graph 0.03 offset 0.5,0
set yrange [0:*]
set key tmargin left horizontal
plot csv using 1:($2/1000) with linespoints title 'hits', \
     '' using 1:($3/1000) with linespoints title 'a virtual table that does nothing', \
     '' using 1:($4/1000) with linespoints title 'primary-key lookups'
