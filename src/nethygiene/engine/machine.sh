# Says which machine this is, and which user the login is.
id -u
exec grep -H "" /proc/sys/kernel/random/boot_id /proc/uptime /etc/os-release /usr/lib/os-release
