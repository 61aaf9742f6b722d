#!/usr/bin/env bash
# Makes the Debian package: build.sh TARGET-FOLDER FOLDER-OF-PROGRAMS. What it is made of stands beside this file.
#
# The programs have the Swift runtime inside (--static-swift-stdlib), so that they need nothing but Debian's libraries.
set -euo pipefail
target=$1
programs=$2
here=$(cd "$(dirname "$0")" && pwd)
operations=$(dirname "$here")
root=$(cd "$here/../../../.." && pwd)
version=$(sed -n 's/^public let releaseVersion = "\(.*\)"$/\1/p' "$root/Sources/ManaText/ReleaseVersion.swift")
architecture=$(dpkg --print-architecture)
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
# Nothing may depend on who builds it, and on when.
umask 022
: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH

for program in mana-server mana; do
  install -D -m 0755 "$programs/$program" "$tree/usr/bin/$program"
  strip --strip-unneeded "$tree/usr/bin/$program"
  if ldd "$tree/usr/bin/$program" | grep -E 'libswift|libFoundation|not found'; then
    echo "$program needs the Swift runtime beside it; build it with --static-swift-stdlib" >&2
    exit 1
  fi
done

# What the programs load, as packages: those that hold it here, in the version that is here or a later one.
dependencies() {
  for program in "$tree"/usr/bin/*; do ldd "$program"; done | awk '$2 == "=>" { print $3 }' | sort -u \
    | while read -r library; do
      # /lib may be a link to /usr/lib, and dpkg knows one of the names.
      dpkg --search "$library" 2>/dev/null || dpkg --search "/usr$library" 2>/dev/null \
        || dpkg --search "$(readlink --canonicalize "$library")"
    done | cut --delimiter : --fields 1 | sort -u | while read -r package; do
      installed=$(dpkg-query --show --showformat '${Version}' "$package")
      # Without Debian's revision, which says nothing about what the library can do.
      echo "$package (>= ${installed%-*})"
    done | paste --serial --delimiters , | sed 's/,/, /g'
}

install -D -m 0644 "$operations/mana-server.service" "$tree/usr/lib/systemd/system/mana-server.service"
install -D -m 0644 "$operations/mana-server.socket" "$tree/usr/lib/systemd/system/mana-server.socket"
install -D -m 0644 "$here/server.json" "$tree/etc/mana/server.json"
install -D -m 0644 "$here/mana-server.default" "$tree/etc/default/mana-server"
install -D -m 0644 -t "$tree/usr/share/mana-ledger" "$operations/mana-alerts.yml" "$operations/mana-dashboard.json"
if [ -f "$root/Protocol/mana.lua" ]; then
  install -D -m 0644 -t "$tree/usr/share/mana-ledger" "$root/Protocol/mana.lua"
fi
install -D -m 0644 "$here/copyright" "$tree/usr/share/doc/mana-ledger/copyright"
printf 'mana-ledger (%s) unstable; urgency=medium\n\n  * Version %s.\n\n -- %s  %s\n' "$version" "$version" \
  "$(sed -n 's/^Maintainer: //p' "$here/control.in")" "$(date --utc --rfc-email --date "@$SOURCE_DATE_EPOCH")" \
  | gzip --best --no-name >"$tree/usr/share/doc/mana-ledger/changelog.gz"
install -D -m 0644 "$root/Protocol/PROTOCOL.md" "$tree/usr/share/doc/mana-ledger/PROTOCOL.md"

bash=$tree/usr/share/bash-completion/completions
zsh=$tree/usr/share/zsh/vendor-completions
fish=$tree/usr/share/fish/vendor_completions.d
mkdir -p "$bash" "$zsh" "$fish"
for program in mana-server mana; do
  "$tree/usr/bin/$program" --generate-completion-script bash >"$bash/$program"
  "$tree/usr/bin/$program" --generate-completion-script zsh >"$zsh/_$program"
  "$tree/usr/bin/$program" --generate-completion-script fish >"$fish/$program.fish"
done
"$tree/usr/bin/mana-server" --experimental-dump-help \
  | python3 "$here/manual.py" --section 8 --version "$version" --target "$tree/usr/share/man/man8"
"$tree/usr/bin/mana" --experimental-dump-help \
  | python3 "$here/manual.py" --section 1 --version "$version" --target "$tree/usr/share/man/man1"
gzip --best --no-name "$tree"/usr/share/man/man*/*

mkdir "$tree/DEBIAN"
install -m 0755 -t "$tree/DEBIAN" "$here/postinst" "$here/prerm" "$here/postrm"
install -m 0644 "$here/conffiles" "$tree/DEBIAN/conffiles"
(cd "$tree" && find etc usr -type f -print0 | sort --zero-terminated | xargs --null md5sum) >"$tree/DEBIAN/md5sums"
size=$(du --summarize --block-size=1024 --exclude=DEBIAN "$tree" | cut --fields 1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" \
  -e "s/@DEPENDS@/$(dependencies)/" "$here/control.in" >"$tree/DEBIAN/control"

mkdir -p "$target"
package=$target/mana-ledger_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$tree" "$package" >&2
echo "$package"
