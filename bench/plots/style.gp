# What all pictures share. Called with csv='FILE', cores=N; black becomes the page's own text colour
# (see bench/report.sh), so colours here must show on light and dark.
set terminal svg size 760,420 dynamic enhanced font 'sans-serif,13' linewidth 1.4
set datafile separator ','
set datafile columnheaders
set key noautotitle noenhanced top left reverse Left samplen 2
set grid linetype 1 linecolor rgb '#9aa0a6' linewidth 0.3
set border 3
set rmargin 5
set tics nomirror
set linetype 1 linecolor rgb '#2f7fd6' pointtype 7 pointsize 0.5
set linetype 2 linecolor rgb '#e07b1a' pointtype 5 pointsize 0.5
set linetype 3 linecolor rgb '#2ea36b' pointtype 9 pointsize 0.6
