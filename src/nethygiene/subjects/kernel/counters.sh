# Reads all counters of the network stack, and when and in which namespace.
readlink /proc/self/ns/net
exec grep -H "" /proc/sys/kernel/random/boot_id /proc/uptime /proc/net/netstat /proc/net/snmp \
  /proc/net/snmp6 /proc/net/dev
