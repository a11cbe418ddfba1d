#!/bin/sh
# Installs the servers that the benchmark measures beside Davit, where it may: as
# root, with apt-get. They are not started. Those that stay missing are named in
# the table, and the script never fails.
set -u

packages='apache2-bin nginx libnginx-mod-http-dav-ext lighttpd lighttpd-mod-webdav radicale xandikos git'

[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
# shellcheck disable=SC2086
dpkg -s $packages >/dev/null 2>&1 && exit 0

# Whoever installs a server to measure it does not want it to serve.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
quick='-o Acquire::Retries=0 -o Acquire::http::Timeout=20'
apt-get update -qq $quick >/dev/null 2>&1
for package in $packages; do
	apt-get install -qq -y $quick --no-install-recommends "$package" >/dev/null 2>&1 </dev/null
done
exit 0
