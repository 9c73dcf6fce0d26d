# This file is part of virsh-backup: backup and restore for libvirt domains.
# Copyright (C) 2026 the virsh-backup authors
#
# SPDX-License-Identifier: GPL-3.0-or-later

# Completion of virsh-backup in fish. The program itself knows what may follow: this finds out where
# the command begins, and asks.

function __virsh_backup_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -l word (commandline -ct | string unescape)
    set -l connection
    set -l index 2
    while test $index -le (count $words)
        switch $words[$index]
            case -c --connect
                set -a connection -c $words[(math $index + 1)]
                set index (math $index + 2)
            case '--connect=*'
                set -a connection -c (string replace -- --connect= '' $words[$index])
                set index (math $index + 1)
            case -r --readonly
                set -a connection -r
                set index (math $index + 1)
            case -d --debug -e --escape -k --keepalive-interval -K --keepalive-count -l --log
                set index (math $index + 2)
            case --
                set index (math $index + 1)
                break
            case '-*'
                set index (math $index + 1)
            case '*'
                break
        end
    end
    # Nothing is known about options of the program itself, nor about their values.
    if test $index -gt (math (count $words) + 1)
        return
    end
    if test $index -gt (count $words); and string match -q -- '-*' $word
        return
    end
    # The program takes the words apart again, by its own rules: they are quoted for it.
    set -l asked
    if test $index -le (count $words)
        set asked (string replace -ar '([^A-Za-z0-9_./=,:@%+-])' '\\\\$1' -- $words[$index..-1])
    end
    set word (string replace -ar '([^A-Za-z0-9_./=,:@%+-])' '\\\\$1' -- $word)
    # The program puts a backslash before a blank; fish quotes by itself.
    $program $connection -q complete -- $asked "$word" 2>/dev/null </dev/null | string replace -a '\\ ' ' '
end

complete -c virsh-backup -f -a '(__virsh_backup_complete)'
