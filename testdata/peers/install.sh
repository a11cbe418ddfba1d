#!/bin/sh
# Installs the real clients that TestPeers drives, where it may: as root, with
# apt-get. It says what stays missing, which the tests then skip by name, and
# never fails the build.
set -u

# program package
clients='litmus litmus
cadaver cadaver
mount.davfs davfs2
rclone rclone
curl curl
fusermount3 fuse3'

PATH=$PATH:/usr/sbin:/sbin

# missing prints the lines of clients whose program is not there.
missing() {
	echo "$clients" | while read -r program package; do
		command -v "$program" >/dev/null 2>&1 || echo "$program $package"
	done
}

wanted=$(missing)
[ -n "$wanted" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	export DEBIAN_FRONTEND=noninteractive
	quick='-o Acquire::Retries=0 -o Acquire::http::Timeout=20'
	apt-get update -qq $quick >/dev/null 2>&1
	for package in $(echo "$wanted" | cut -d ' ' -f 2); do
		apt-get install -qq -y $quick --no-install-recommends "$package" >/dev/null 2>&1 </dev/null
	done
fi

missing | while read -r program package; do
	echo "$program is not installed and its tests are skipped; install the package $package"
done
exit 0
