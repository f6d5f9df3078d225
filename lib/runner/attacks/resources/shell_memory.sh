text=$(printf '%1000000d' 0)
while true; do text+=$text; done
