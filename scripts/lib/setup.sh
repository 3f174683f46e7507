# Sourced by the scripts beside it: the tools a fresh machine lacks, all under .cache/ in this checkout.
#
#   use_environment test|demo     makes the environment if it is missing or stale, puts it first on PATH
#
# What a machine must bring: git, Python >= 3.11 with pip and venv, and a package index.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=$ROOT/.cache
UV=$CACHE/uv/bin/uv
UV_VERSION=0.13.9
export UV_CACHE_DIR=$CACHE/uv-cache UV_PYTHON_INSTALL_DIR=$CACHE/python-managed UV_LINK_MODE=hardlink

say() { printf '\033[2m· %s\033[0m\n' "$*" >&2; }
fail() { printf '\033[31m✗ %s\033[0m\n' "$*" >&2; exit 1; }

_have_uv() { [ -x "$UV" ] && [ "$("$UV" --version 2>/dev/null | cut -d' ' -f2)" = "$UV_VERSION" ]; }

_ensure_uv() {
  _have_uv && return
  say "fetching uv $UV_VERSION"
  local python
  for python in python3.14 python3.13 python3.12 python3.11 python3; do
    command -v "$python" >/dev/null || continue
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    rm -rf "$CACHE/uv"
    "$python" -m venv "$CACHE/uv" >&2 || continue
    "$CACHE/uv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check "uv==$UV_VERSION" >&2 && return
  done
  fail "uv could not be fetched: this needs Python 3.11 or newer with pip and venv, and a package index"
}

# Prints a Python 3.14 (>= 3.14.2): the machine's own, uv's build, or Debian's unpacked under .cache/.
_find_python() {
  local candidate
  for candidate in "$CACHE/python/usr/bin/python3.14" "$(command -v python3.14 || true)" \
    "$("$UV" python find --managed-python '>=3.14.2,<3.15' 2>/dev/null || true)"; do
    [ -n "$candidate" ] || continue
    "$candidate" -c 'import sys, venv, ssl; sys.exit(not (3, 14, 2) <= sys.version_info[:3] < (3, 15))' \
      2>/dev/null && { echo "$candidate"; return; }
  done
  return 1
}

_ensure_python() {
  PYTHON=$(_find_python) && return
  say "fetching Python 3.14"
  UV_HTTP_RETRIES=0 timeout 300 "$UV" python install --quiet 3.14 >/dev/null 2>&1 || {
    say "no ready-made build can be reached; unpacking Debian's"
    "$ROOT/scripts/lib/python-from-debian.sh" "$CACHE/python" "$UV" >&2 ||
      fail "Python 3.14 is not on this machine and could not be fetched; install it and run this again"
  }
  PYTHON=$(_find_python) || fail "the fetched Python 3.14 does not work on this machine"
}

# A few packages compile; Debian's unpacked Python keeps its headers where no compiler looks.
_export_headers() {
  case $PYTHON in
    "$CACHE"/python/*)
      local prefix=$CACHE/python
      export CPATH=$prefix/usr/include/python3.14:$prefix/include-arch${CPATH:+:$CPATH} ;;
  esac
}

use_environment() {
  local name=$1 stamp wanted
  mkdir -p "$CACHE"
  _ensure_uv
  _ensure_python
  _export_headers
  export UV_PROJECT_ENVIRONMENT=$CACHE/$name
  stamp=$CACHE/$name/.synced
  wanted=$(cat "$ROOT/uv.lock" "$ROOT/pyproject.toml" "$ROOT/ledger_node/pyproject.toml" | sha256sum)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted$ROOT" ]; then
    say "installing the $name environment (a minute the first time)"
    (cd "$ROOT" && "$UV" sync --quiet --frozen --group "$name" --python "$PYTHON") ||
      fail "the $name environment could not be installed: is a package index reachable?"
    printf '%s' "$wanted$ROOT" >"$stamp"
  fi
  export VIRTUAL_ENV=$CACHE/$name PATH=$CACHE/$name/bin:$PATH PYTHONDONTWRITEBYTECODE=
}
