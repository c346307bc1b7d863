#!/bin/sh
# Installs the Debian packages that some tests need: as root, unless --no-install is given. Otherwise names what is
# missing; the tests that need it are skipped by name. (Where there is another chromium, the tests use that.)
set -eu
missing=
for pair in tmux:tmux zsh:zsh fish:fish strace:strace mandoc:mandoc dash:dash busybox:busybox shellcheck:shellcheck \
  dbus-daemon:dbus notify-send:libnotify-bin dunst:dunst Xvfb:xvfb systemd-analyze:systemd \
  chromium-headless-shell:chromium-headless-shell curl:curl jq:jq wget:wget git:git openssl:openssl ninja:ninja-build pytest:python3-pytest; do
  command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
/usr/bin/python3 -c 'import dbus, gi.repository.GLib' 2>/dev/null || missing="$missing python3-dbus python3-gi"
[ -n "$missing" ] || exit 0
if [ "${1-}" != --no-install ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian packages for the tests (npm test -- --no-install prevents this):$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null || true
  # shellcheck disable=SC2086 # one word each
  apt-get install -y -qq --no-install-recommends $missing >/dev/null || echo "could not install:$missing" >&2
else
  echo "Not installed; tests that need one of them are skipped:$missing"
fi
