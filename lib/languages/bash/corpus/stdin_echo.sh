read -r first
echo "${first^^} ${#first}"
sum=0
while read -ra numbers; do
  for number in "${numbers[@]}"; do ((sum += number)); done
done
echo "$sum"
