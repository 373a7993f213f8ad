# Bars, those of the first line of the file at the top; as many lines for one row as for 100.
stats csv using 4 nooutput
peers = STATS_records / 2
place(line) = int(line) % peers
is(rows) = strcol(1) eq rows
set logscale x
set xrange [0.02:*]
set yrange [peers - 0.4:-0.6]
set xlabel 'reading a result, median, µs'
set format x '%g'
set border 1
set grid noytics
set ytics scale 0
set style fill solid 0.9 noborder
set key tmargin left horizontal
plot csv using (is('one row') ? $4 : NaN):(place($0)):(0.02):4:(place($0)-0.36):(place($0)-0.02):ytic(2) \
         with boxxyerror linetype 1 title 'one row', \
     '' using (is('100 rows') ? $4 : NaN):(place($0)):(0.02):4:(place($0)+0.02):(place($0)+0.36) \
         with boxxyerror linetype 2 title '100 rows'
