set logscale x
set yrange [0:*]
set xlabel 'entries that depend on the table'
set ylabel 'a commit of one row, µs'
set format x '%.0f'
set key bottom right
plot csv using 1:2 with linespoints title 'commits, one after the other', \
     '' using 1:3 with linespoints title 'the commit that ends all entries', \
     '' using 1:4 with linespoints title 'without the extension'
