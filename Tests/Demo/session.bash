# This file is part of virsh-backup: backup and restore for libvirt domains.
# Copyright (C) 2026 the virsh-backup authors
#
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A libvirtd of a script's own, in session mode, for scripts that are read by bash with `source`.
#
# The script sets `what`, its name in messages, before. `start_session PROGRAM` starts the libvirtd and sets:
#
#   dir, uri, uid, gid   as Tests/Support/private-libvirt prints them
#   work                 a directory for files, the directory in which commands run
#   user                 the words that run a command as an ordinary user of that libvirtd
#
# It runs until the script has ended, whatever becomes of it.

fail() { printf '%s: %s\n' "$what" "$*" >&2; exit 1; }

# The libvirtd runs until nobody holds the writing end of this pipe.
daemon='' life='' dir='' uri='' uid='' gid='' work='' user=()
finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  [ -z "$life" ] || exec {life}>&-
  [ -z "$daemon" ] || wait "$daemon" || true
  [ "$status" = 0 ] || printf '%s: failed\n' "$what" >&2
  exit "$status"
}

start_session() {
  local program=$1 pipes line=
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  [ -x "$program" ] || fail "no program '$program': make build"
  pipes=$(mktemp -d)
  mkfifo "$pipes/life" "$pipes/answer"
  setsid Tests/Support/private-libvirt session <"$pipes/life" >"$pipes/answer" &
  daemon=$!
  exec {life}>"$pipes/life" {answer}<"$pipes/answer"
  rm -r "$pipes"
  while read -r line <&"$answer"; do
    case $line in
      dir=*) dir=${line#*=} ;;
      uri=*) uri=${line#*=} ;;
      uid=*) uid=${line#*=} ;;
      gid=*) gid=${line#*=} ;;
      ready*) break ;;
    esac
  done
  [[ $line == ready* ]] || fail "the private libvirtd does not start"

  # Everything runs as an ordinary user, also when root runs the script.
  user=(env "HOME=$dir/h" "XDG_RUNTIME_DIR=$dir/r" "XDG_CONFIG_HOME=$dir/c" "XDG_CACHE_HOME=$dir/k"
    "XDG_DATA_HOME=$dir/s" "VIRSH_DEFAULT_CONNECT_URI=$uri" "PATH=$dir/t/bin:$PATH")
  if [ "$(id -u)" = 0 ]; then
    user+=(setpriv "--reuid=$uid" "--regid=$gid" --clear-groups --)
  fi
  mkdir "$dir/t/bin"
  install -m 0755 "$program" "$dir/t/bin/virsh-backup"
  work=$dir/t/work
  mkdir "$work"
  [ "$(id -u)" != 0 ] || chown "$uid:$gid" "$work"
}

# Runs a command, without our pipe's end: one that is left behind must not keep the libvirtd alive.
quiet() { (cd "$work" && exec {life}>&- {answer}<&- && exec "${user[@]}" "$@"); }
