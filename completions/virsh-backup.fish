# This file is part of virsh-backup: backup and restore for libvirt domains.
# Copyright (C) 2026 the virsh-backup authors
#
# SPDX-License-Identifier: GPL-3.0-or-later

# Completion of virsh-backup in fish. The program itself knows what may follow: this finds out where
# the command begins, and asks.
#
# Where virsh is an alias of virsh-backup, or a function that runs it, this line completes it as well.
# It takes the place of fish's own completion of virsh in ~/.config/fish/completions/virsh.fish:
#
#     complete -c virsh -w virsh-backup

function __virsh_backup_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    if not string match -qr '(^|/)virsh-backup$' -- $program; and not functions -q -- $program
        set program virsh-backup
    end
    set -l typed (commandline -ct)
    set -l word (string unescape -- $typed)
    set -l connection
    set -l index 2
    while test $index -le (count $words)
        switch $words[$index]
            case -c --connect
                set -a connection -c $words[(math $index + 1)]
                set index (math $index + 2)
            case '-c*'
                set -a connection $words[$index]
                set index (math $index + 1)
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
    if test $index -gt (math (count $words) + 1); or begin
            test $index -gt (count $words); and string match -q -- '-*' $word
        end
        __fish_complete_path "$word"
        return
    end
    # A value behind '=' is asked for as one behind a blank.
    set -l asked
    if test $index -le (count $words)
        set asked $words[$index..-1]
    end
    set -l option ''
    if string match -qr -- '^--[^=]+=' $word
        set option (string replace -r -- '=.*' '' $word)
        set -a asked $option
        set option $option=
        set word (string replace -- $option '' $word)
    end
    # The program takes the words apart again, by its own rules: they are quoted for it. It puts a
    # backslash before a blank; fish quotes by itself.
    set asked (string replace -ar -- '([^A-Za-z0-9_./=,:@%+-])' '\\\\$1' $asked "$word")
    set -l candidates ($program $connection -q complete -- $asked 2>/dev/null </dev/null | string replace -a '\\ ' ' ')
    if set -q candidates[1]
        printf '%s\n' "$option"$candidates
    else
        # Names of files, also behind a '=' in the word.
        set -l before (string match -r -- '^.*=' "$option$word")
        set word (string replace -- "$before" '' "$option$word")
        printf '%s\n' "$before"(__fish_complete_path "$word")
    end
end

complete -c virsh-backup -f -a '(__virsh_backup_complete)'
