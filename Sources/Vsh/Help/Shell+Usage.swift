// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Shell {
  /// The program's own help: how it is called, its options, every command.
  package var usageText: String {
    var text = """

      \(programName) [options]... [<command_string>]
      \(programName) [options]... <command> [args...]

        options:
          -c | --connect=URI      the hypervisor to connect to
          -d | --debug=NUM        how much to tell, from 0 (all) to 4 (errors)
          -e | --escape <char>    escape character of a console
          -h | --help             print this help
          -k | --keepalive-interval=NUM
                                  seconds between keepalive messages, 0 for none
          -K | --keepalive-count=NUM
                                  keepalive messages that may stay unanswered
          -l | --log=FILE         write a log
          -q | --quiet            print results and errors only
          -r | --readonly         connect read-only
          -t | --timing           print the time each command took
          -v                      print the version
          -V                      print the version and the features
               --version[=TYPE]   print the version, TYPE is short or long
        commands (non interactive mode):


      """
    for group in table.groups {
      text += group.helpText(colon: false) + "\n"
    }
    return text
      + "\n  (help <group> lists the commands of a group)\n"
      + "\n  (help <command> explains a command)\n\n"
  }
}
