. ./shapes.sh
source geometry/plane.sh
printf '%s' "$(area "$side") $(<"data/one two.txt")"
printf ' [%s]' "$@"
echo
od -An -tx1 data/bytes.bin
