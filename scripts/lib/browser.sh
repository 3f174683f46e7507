# Installs the browser that looks at the screens, where it is missing. Sourced after setup.sh.

browser_packages=(chromium fonts-liberation fonts-noto-core)

install_browser() {
  [ -x /usr/bin/chromium ] && return
  [ "$(id -u)" = 0 ] || fail "this needs a browser: apt-get install ${browser_packages[*]}"
  say "installing Debian packages: ${browser_packages[*]}"
  apt-get -qq update && apt-get -qq install --yes --no-install-recommends "${browser_packages[@]}" >/dev/null ||
    fail "the browser could not be installed"
}
