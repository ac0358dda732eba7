# shellcheck shell=bash
# How ./run, ./test and tools/install show where they are: lasting lines with `say`, and one line
# that is overwritten with `status`. Where standard output is no terminal, `status` writes a line of
# its own every 15 seconds, so that a log shows that something goes on.

PROGRESS_TTY=0
[[ -t 1 ]] && PROGRESS_TTY=1
PROGRESS_SHOWN=0
PROGRESS_LAST=0

clear_status() {
  if ((PROGRESS_SHOWN)); then printf '\r\033[K'; fi
  PROGRESS_SHOWN=0
}

say() {
  clear_status
  printf '%s\n' "$*"
}

status() {
  if ((PROGRESS_TTY)); then
    local width=${COLUMNS:-80} text="  $*"
    printf '\r\033[K%s' "${text:0:width-1}"
    PROGRESS_SHOWN=1
  elif ((SECONDS - PROGRESS_LAST >= 15)); then
    printf '  %s\n' "$*"
    PROGRESS_LAST=$SECONDS
  fi
}

# Reads the output of a program and shows its last line behind `$1`; what it said goes to file `$2`.
follow() {
  local line
  PROGRESS_LAST=$SECONDS
  while IFS= read -r line || [[ -n $line ]]; do
    printf '%s\n' "$line" >>"$2"
    [[ -n $line ]] && status "$1 ${line//[^[:print:]]/ }"
  done
  clear_status
}

# logged TITLE LOG COMMAND…: runs COMMAND, showing its last line; its exit status is the answer.
logged() {
  local title=$1 log=$2
  shift 2
  mkdir -p "$(dirname "$log")"
  : >"$log"
  "$@" </dev/null 2>&1 | follow "$title" "$log"
  return "${PIPESTATUS[0]}"
}

# A stretch of time, as people write it.
elapsed() {
  local seconds=$1
  if ((seconds < 60)); then printf '%d s' "$seconds"; else printf '%d min %02d s' $((seconds / 60)) $((seconds % 60)); fi
}
