for address in 1.1.1.1/80 169.254.169.254/80 "127.0.0.1/$1" 10.0.0.1/80; do
  (exec 9<>"/dev/tcp/$address") 2>/dev/null && echo "$address was reached"
done
(echo x >/dev/udp/8.8.8.8/53) 2>/dev/null && echo "a datagram left"
getent hosts example.com
echo done
