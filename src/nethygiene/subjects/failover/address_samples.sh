# The addresses at one moment, behind the moment and the network namespace.
readlink /proc/self/ns/net
grep -H "" /proc/sys/kernel/random/boot_id /proc/uptime
exec ip -o addr
