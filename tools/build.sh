# shellcheck shell=bash
# Building, as ./run and ./test do it: only what changed, with the progress shown.
# shellcheck source=tools/progress.sh
source tools/progress.sh

JOBS=${JOBS:-$(nproc)}
export NINJA_STATUS='[%f/%t] '
# What one clone has compiled another one finds again, precompiled headers included.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

# build_preset PRESET TITLE LOG [TARGET…]
build_preset() {
  local preset=$1 title=$2 log=$3
  shift 3
  if [[ ! -f build/$preset/build.ninja ]]; then
    logged "$title: configuring" "$log" cmake --preset "$preset" || return 1
  fi
  logged "$title" "$log" ninja -j "$JOBS" -C "build/$preset" "$@"
}

# A digest of files, by name and content.
digest_of() {
  sort -z | xargs -0 --no-run-if-empty sha256sum | sha256sum | cut -d' ' -f1
}

npm_ci() {
  # Of each fetched package its name is enough.
  npm ci --prefix client --no-audit --no-fund --no-progress --loglevel=http 2>&1 |
    sed -uE 's#^npm http fetch GET .*/([^/ ]+) .*#\1#'
  return "${PIPESTATUS[0]}"
}

# client_packages TITLE LOG: what the client needs from npm, as package-lock.json says it.
client_packages() {
  local stamp=client/node_modules/.liaison-lock now
  now=$(find client -name node_modules -prune -o \( -name package.json -o -name package-lock.json \) -print0 | digest_of)
  [[ -f $stamp && $(<"$stamp") == "$now" ]] && return 0
  logged "$1" "$2" npm_ci || return 1
  printf '%s' "$now" >"$stamp"
}

# client_build TITLE LOG: the web client, if its sources changed.
client_build() {
  local stamp=build/client.stamp now
  now=$(find client -name node_modules -prune -o -name dist -prune -o -path client/e2e -prune -o -type f -print0 | digest_of)
  [[ -f $stamp && $(<"$stamp") == "$now" && -f client/app/dist/index.html ]] && return 0
  logged "$1" "$2" npm run build --prefix client || return 1
  mkdir -p build
  printf '%s' "$now" >"$stamp"
}
