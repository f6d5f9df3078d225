# A shell that waited was started with descriptors, a script and a message. None of them is left.
# Through a file: the pipes of a pipeline are this shell's own while it starts.
ls -l /proc/$$/fd /proc/1/fd >listing
grep -e '->' listing | grep -v -E -e ' ([012]|255) -> ' -e 'chill-space-pipes|/dev/null$'
for name in /etc/shadow /root "$1/package.json" /var/log /sys/kernel; do
  [[ -r $name ]] && echo "$name can be read"
done
history
declare -f
echo done
