printf '%s\n' pear apple fig | sort | nl -w1 -s' '
seq 5 | awk '{ sum += $1 } END { print sum }' | sed 's/^/sum /'
declare -A colors=([red]=1 [green]=2)
echo "${#colors[@]} ${colors[green]} $((2 ** 10))"
[[ abc =~ ^(a)(.)c$ ]] && echo "${BASH_REMATCH[2]}"
mapfile -t lines < <(printf 'one\ntwo\n')
echo "${lines[@]}" | tr a-z A-Z
(sleep 0.01; echo later) & wait
grep -c . <<<$'x\ny'
