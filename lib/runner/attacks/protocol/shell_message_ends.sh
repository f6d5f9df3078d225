echo '
END
exit 7
' "$1" $'\x27; exit 8; \x27'
cat x.txt
exit 3
