#!/bin/sh
# Installs the real clients that TestPeers and TestBrowser drive, where it may: as root, with
# apt-get, and from npm into the user's cache. It says what stays missing, which
# the tests then skip by name, takes a few minutes at most and never fails the
# build.
set -u

# program packages
clients='litmus litmus
cadaver cadaver
mount.davfs davfs2
rclone rclone
curl curl
fusermount3 fuse3
dbus-run-session dbus-daemon
gio libglib2.0-bin
/usr/lib/gvfs/gvfsd-dav gvfs gvfs-backends
kioclient5 kio kde-cli-tools
soffice libreoffice-writer-nogui python3-uno
node nodejs npm
radicale radicale
chromium chromium
vdirsyncer vdirsyncer
khal khal
todoman todoman
calcurse calcurse
calcurse-caldav calcurse python3-httplib2
/usr/lib/python3/dist-packages/caldav/__init__.py python3-caldav
/usr/libexec/evolution-calendar-factory evolution-data-server gir1.2-ecal-2.0 python3-gi
thunderbird thunderbird'

# from npm, at the versions that the tests know
npm_packages='webdav@5.11.0 tsdav@2.3.4'
npm_folder=${XDG_CACHE_HOME:-$HOME/.cache}/davit-peers

within=240 # seconds, for everything
deadline=$(($(date +%s) + within))

PATH=$PATH:/usr/sbin:/sbin

# bounded runs a command quietly for as long as there is time.
bounded() {
	left=$((deadline - $(date +%s)))
	[ $left -gt 0 ] && timeout $left "$@" >/dev/null 2>&1 </dev/null
}

# missing prints the lines of clients whose program is not there.
missing() {
	echo "$clients" | while read -r program packages; do
		command -v "$program" >/dev/null 2>&1 || [ -f "$program" ] || echo "$program $packages"
	done
}

# from_debian installs what is missing, all at once, and one by one what is left:
# a package that this release does not have must not keep the others out.
from_debian() {
	export DEBIAN_FRONTEND=noninteractive
	quick='-qq -y -o Acquire::Retries=0 -o Acquire::http::Timeout=20 --no-install-recommends'
	# shellcheck disable=SC2086
	bounded apt-get update $quick
	# shellcheck disable=SC2046,SC2086
	bounded apt-get install $quick $(missing | cut -d ' ' -f 2-) && return
	missing | while read -r program packages; do
		# shellcheck disable=SC2086
		bounded apt-get install $quick $packages
	done
}

# from_npm installs all packages at once: npm removes what it is not told of.
from_npm() {
	command -v npm >/dev/null 2>&1 || return
	for package in $npm_packages; do
		[ "$(node -p "require('$npm_folder/node_modules/${package%@*}/package.json').version" 2>/dev/null)" = "${package#*@}" ] && continue
		# shellcheck disable=SC2086
		bounded npm install --prefix "$npm_folder" --ignore-scripts --no-audit --no-fund --no-save $npm_packages ||
			echo "the npm packages $npm_packages are not installed and their tests are skipped"
		return
	done
}

if [ -n "$(missing)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	from_debian
fi
from_npm
missing | while read -r program packages; do
	echo "$program is not installed and its tests are skipped; install $packages"
done
exit 0
