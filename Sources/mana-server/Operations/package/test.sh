#!/usr/bin/env bash
# Installs, runs, upgrades, removes and purges the package with dpkg on this machine: test.sh PACKAGE.
#
# As root, in a mount namespace of its own, where a stand-in for systemctl writes down what it is asked for; so nothing
# of the machine's services is touched. Refuses to run where the package or a ledger of its is already.
set -euo pipefail
package=$(readlink --canonicalize "$1")

if [ "$(id -u)" -ne 0 ]; then
  echo "test-deb: not run: installing a package takes root" >&2
  exit 77
fi
if [ "${2:-}" != inside ]; then
  exec unshare --mount --propagation private bash "$0" "$package" inside
fi

fail() {
  echo "test-deb: $*" >&2
  exit 1
}
step() { echo "test-deb: $*"; }

if dpkg-query --show mana-ledger >/dev/null 2>&1 || [ -e /var/lib/mana ] || [ -e /etc/mana ]; then
  fail "mana-ledger is installed here, or has been: purge it first"
fi

work=$(mktemp --directory)
server=
clean_up() {
  if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null || true; fi
  dpkg --purge mana-ledger >/dev/null 2>&1 || true
  rm -rf /var/lib/mana /var/log/mana "$work"
  if getent passwd mana >/dev/null; then deluser --system --quiet mana; fi
}
trap clean_up EXIT

# A machine on which systemd seems to run, with a service that runs or does not.
calls=$work/calls
cat >"$work/systemctl" <<END
#!/bin/sh
echo "\$*" >>$calls
for word in "\$@"; do
  case "\$word" in
  start | restart) touch $work/active; exit ;;
  stop) rm -f $work/active; exit ;;
  is-active) [ -e $work/active ] || exit 3; exit ;;
  is-enabled) echo enabled; exit ;;
  esac
done
END
chmod 0755 "$work" "$work/systemctl"
touch "$calls"
mount --bind "$work/systemctl" "$(readlink --canonicalize "$(command -v systemctl)")"
if [ ! -d /run/systemd/system ]; then
  mount -t tmpfs tmpfs /run
  mkdir -p /run/systemd/system
fi
# What a container says about starting services at all.
if [ -e /usr/sbin/policy-rc.d ]; then mount --bind /bin/true /usr/sbin/policy-rc.d; fi
asked() { grep -q -E -- "$1" "$calls" || fail "systemctl was not asked to $1: $(cat "$calls")"; }
forget() { : >"$calls"; }

# What the unit starts, as its user and with its variables, on free ports.
serve() {
  local line environment
  environment=$(sed -n 's/^Environment=//p' /usr/lib/systemd/system/mana-server.service)
  line=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/mana-server.service)
  # shellcheck disable=SC2086
  setpriv --reuid mana --regid mana --init-groups --no-new-privs \
    env --ignore-environment $environment MANA_LISTEN=127.0.0.1:0 MANA_METRICS=127.0.0.1:0 "$@" $line \
    >"$work/output" 2>"$work/log" &
  server=$!
  for _ in $(seq 300); do
    grep -q '^mana-server ready on ' "$work/output" && break
    kill -0 "$server" 2>/dev/null || fail "the server ended: $(cat "$work/log")"
    sleep 0.1
  done
  MANA_SERVER=$(sed -n 's/^mana-server ready on //p' "$work/output")
  [ -n "$MANA_SERVER" ] || fail "the server was not ready in time: $(cat "$work/log")"
  export MANA_SERVER
}
end() {
  kill -TERM "$server"
  wait "$server" || fail "the server ended with status $?: $(cat "$work/log")"
  server=
}

step "installing"
dpkg --install "$package" >"$work/dpkg" 2>&1 || fail "$(cat "$work/dpkg")"
getent passwd mana >/dev/null || fail "there is no user mana"
[ "$(stat --format '%U:%G %a' /var/lib/mana)" = "mana:mana 700" ] || fail "/var/lib/mana is $(stat /var/lib/mana)"
asked daemon-reload
asked '\<start .*mana-server.service'
mana-server --version | grep -q " $(dpkg-query --show --showformat '${Version}' mana-ledger)$" || fail "mana-server --version says $(mana-server --version)"
for program in mana mana-server; do
  "$program" --help >/dev/null || fail "$program does not run"
  if ldd "$(command -v "$program")" | grep -E 'libswift|not found'; then fail "$program misses a library"; fi
  bash -n "/usr/share/bash-completion/completions/$program" || fail "the completions of $program are no bash"
done
dpkg --verify mana-ledger | grep . && fail "files differ from the package's"
if command -v man >/dev/null; then
  for page in $(dpkg --listfiles mana-ledger | grep '/man/.*gz$'); do
    warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings --local-file "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || fail "$page: $warnings"
  done
fi
bash -c '
  source /usr/share/bash-completion/completions/mana
  COMP_WORDS=(mana hist) COMP_CWORD=1 COMP_LINE="mana hist" COMP_POINT=9
  _mana mana hist mana && [ "${COMPREPLY[*]}" = history ]' || fail "bash does not complete 'mana hist'"

step "running it"
serve
mana purchase 42 500 >/dev/null || fail "a purchase was refused"
ls /var/log/mana/audit >/dev/null || fail "there is no audit log"
end

step "upgrading, with changed settings"
sed -i 's|"listen"|"logFormat": "json", "listen"|' /etc/mana/server.json
dpkg-deb --raw-extract "$package" "$work/next"
sed -i 's/^Version: .*/&+1/' "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -Znone --build "$work/next" "$work/next.deb" >/dev/null
forget
dpkg --install "$work/next.deb" >"$work/dpkg" 2>&1 || fail "$(cat "$work/dpkg")"
asked '\<restart .*mana-server.service'
grep -q '\<stop ' "$calls" && fail "an upgrade stopped the service: $(cat "$calls")"
grep -q logFormat /etc/mana/server.json || fail "an upgrade took the operator's settings away"
serve
mana balance 42 | grep -q 500 || fail "the balance after the upgrade: $(mana balance 42)"
end
head -1 "$work/log" | grep -q '^{' || fail "the changed settings do not hold: $(head -1 "$work/log")"

step "removing"
forget
dpkg --remove mana-ledger >"$work/dpkg" 2>&1 || fail "$(cat "$work/dpkg")"
asked '\<stop .*mana-server.service'
[ ! -e /usr/bin/mana-server ] && [ ! -e /usr/lib/systemd/system/mana-server.service ] || fail "programs are left"
[ -e /etc/mana/server.json ] && [ -e /var/lib/mana ] || fail "removing took settings or the ledger away"

step "purging, with a ledger and without"
dpkg --purge mana-ledger >"$work/dpkg" 2>&1 || fail "$(cat "$work/dpkg")"
grep -q "holds a ledger and is kept" "$work/dpkg" || fail "purging said: $(cat "$work/dpkg")"
[ ! -e /etc/mana ] && [ ! -e /etc/default/mana-server ] || fail "purging left settings behind"
[ -n "$(ls -A /var/lib/mana)" ] && getent passwd mana >/dev/null || fail "purging took the ledger away"
rm -rf /var/lib/mana/*
dpkg --install "$package" >"$work/dpkg" 2>&1 || fail "$(cat "$work/dpkg")"
dpkg --purge mana-ledger >"$work/dpkg" 2>&1 || fail "$(cat "$work/dpkg")"
for path in /var/lib/mana /var/log/mana /etc/mana /etc/default/mana-server /usr/share/mana-ledger; do
  [ ! -e "$path" ] || fail "$path is left"
done
if getent passwd mana >/dev/null; then fail "the user mana is left"; fi
left=$(find /etc/systemd/system /var/lib/systemd -name '*mana*' 2>/dev/null)
[ -z "$left" ] || fail "left behind: $left"
step "installed, run, upgraded, removed and purged"
