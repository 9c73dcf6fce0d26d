// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Command lines, each of which is one string after the program's name and one line of a session.
enum ParityLines {
  /// Words, quotes, comments and what separates commands.
  static let lexer = [
    "echo a", "echo a;echo b", "echo  a   b ", ";;", " ;echo a; ;", "   ", "#", "# x", "#x; echo b",
    "echo a # b ; c", "echo a#b", "echo a;#b", "\"#\" x; echo b", "\\#x; echo b", "'#'",
    "'#x' y; nosuch", "echo 'a b'\"c\\d\"e\\f", "echo \"a\\\"b\" 'a\\b'", #"echo "\x\n\t""#,
    #"echo a\ b"#, "echo 'a", #"echo 'a\"#, "echo 'a b;c", "echo \"a", #"echo a\"#, #"echo "a\"#,
    #"echo a\;b"#, "echo mid'dle'\"x\"", "echo '' \"\" a", "echo 'it'\\''s'",
    "echo $HOME `x` ~ * { } & | < > ! ? [a] (b)", "ec'ho' a", "\"echo\" a", "ec\\ho a",
    "echo a\u{0B}b\u{0C}c", "echo é ü 日本", "echo 'a\u{301}'", "'' x", "''", "\"\"",
    "echo a; 'foo bar'", "echo\\ a",
  ]

  /// Names of commands.
  static let names = [
    "ECHO a", "ech a", "echoo", "echo; foo; echo b", "foo bar; echo a", "foo;bar", "-x", "--help x",
    "--", "-- echo a", "a=b", "echo a; ;foo", "backup", "virsh",
  ]

  /// Options and data.
  static let options = [
    "echo \"--shell\" 'a b'", "echo -- --shell a", "echo -- --", "echo --", "echo a -- b -- c",
    "echo a --shell", "echo -x - --- --=v --_v", "echo --shell --shell x", "echo --xml --xml",
    "echo --shell=1 x", "echo --shell= x", "echo --na", "echo --na=1", "echo --Shell",
    "echo --shel",
    "echo --1", "echo --string", "echo --string=", "echo --string= a", "echo --string a --string b",
    "echo --string=a=b", "echo --string --shell", "echo --string -- x", "echo --hi", "echo --hi x",
    "echo --hi --hi", "echo --hi=x", "echo --str", "echo --str x", "echo --str=x y",
    "echo --bogus --help", "echo --help --bogus", "echo --string --help", "echo a; echo --na; foo",
    "quit x", "quit --x", "pwd x", "pwd -- x", "cd a b", "cd --dir", "cd --dir a --dir b",
    "connect a b", "connect --name", "connect --name a b", "connect --readonly --readonly",
    "connect a --name b", "connect --readonly=1", "self-test x", "self-test --x", "complete --x",
    "help --command", "help --command a --command b", "help nosuch --zzz=3 x y",
  ]

  /// The shell's own commands.
  static let builtins = [
    "echo", "echo ''", "echo 'a  ' '  b'", "echo --shell 'a b' $x '' \"it's\" a-b_c %+,-./:=@",
    "echo --shell é", "echo --shell a", "echo --xml \"<&>'\\\"\" x", "echo --split a,b,,c d",
    "echo --split", "echo --split ''", "echo --split a,b c,d", "echo --split ,,, ,",
    "echo --shell --xml a", "echo --xml --split a", "echo --split --shell a",
    "echo --split --xml --shell", "echo --err a b", "echo --err", "echo --err ''",
    "echo --err --shell 'a b'", "echo --err --split a,b", "echo --err --split ''", "pwd",
    "pwd; pwd",
    "self-test", "help nosuch", "help ''x", "connect test:///default",
    "connect --name=test:///default --readonly", "connect; connect --readonly; connect",
    "connect ''", "connect foo:///", "connect foo:///; connect", "connect --readonly foo:///",
    "connect foo; echo a", "connect -- --readonly",
  ]

  /// Help pages, of which the layout is compared.
  static let help = [
    "help echo", "help help", "help cd", "help pwd", "help connect", "help quit", "help exit",
    "help complete", "help self-test", "help virsh", "help 'Virsh itself'", "help", "help ''",
    "help --zzz", "help --command=", "help --command echo", "help echo x y", "echo --help",
    "echo a --help --shell", "echo --help --help", "help --help", "quit --help", "connect --help x",
    "complete --help", "help echo --command x",
  ]

  /// Completions; the connection is the test driver's.
  static let completion = [
    "complete -- ec", "complete ec", "complete --string ec", "complete -- ECH",
    "complete -- self-te",
    "complete -- echo", "complete -- echo ''", "complete -- echo --", "complete -- echo --s",
    "complete -- echo --shell --s", "complete -- echo --string --", "complete -- echo -",
    "complete -- echo a", "complete -- echo --shell=", "complete -- echo --string=",
    "complete -- echo --string ''", "complete -- echo -- --s", "complete -- echo --zzz ''",
    "complete -- echo --help ''", "complete -- connect ''", "complete -- connect --re",
    "complete -- connect --readonly ''", "complete -- connect --name ''", "complete -- cd ''",
    "complete -- cd /", "complete -- quit ''", "complete -- quit x", "complete -- pwd --",
    "complete -- help hel", "complete -- help ''", "complete -- echo x ';' ec",
    "complete -- '#' ec", "complete -- dominfo ''", "complete -- dominfo t",
    "complete -- dominfo --domain ''", "complete -- domstate test ''", "complete -- list --na",
    "complete -- pool-list --type dir,", "complete -- doms", "complete --x",
  ]

  /// Commands that are handed over, alone and between ours.
  static let foreign = [
    "list", "list --all", "list --name", "list --all --name # x", "dominfo test", "domstate test",
    "domname 1", "domuuid test", "dominfo nope", "dominfo ''", "dominfo", "dominfo --domain",
    "dominfo --domain --help", "dominfo 'a b;c'", "dominfo \"it's\"", "dominfo '#x'",
    "dominfo -- -x", "list x", "list --na", "list -- --all", "list --bogus --help",
    "list --help --bogus", "list --help=", "setvcpus", "setvcpus test", "setvcpus test --count",
    "setvcpus test 1x", "setmem test 1X", "domstate test --domain test", "start test",
    "destroy test", "pool-list", "pool-list --all", "pool-info default-pool", "uri",
    "destroy test; list --all", "list; list", "list; dominfo", "list; foo", "foo; list",
    "list; 'a", "list; \"a", "dominfo \"a", "list --bogus \"a", "echo a; dominfo \"a",
    "echo a; list --bogus \\", "echo a; list; echo b", "list; echo a; list --name",
    "list --name; list --uuid; echo a; domname 1; domid test", "echo a; list --na; foo",
    "echo --na; list --bogus", "list --bogus; echo --na", "list; dominfo; echo a",
    "echo a; setvcpus", "echo a; dominfo 'x y' --help", "dominfo nope; echo a",
    "echo a; dominfo nope", "echo 'x;y'; dominfo ''; dominfo '#'", "list; quit; list",
    "connect test:///default; list --name", "connect foo:///; uri", "cd x y; list",
    "echo; nosuch 'a\\b' \"c'd\"", "help start", "help 'Domain Management'", "help list x",
    "start --help", "list --help", "help checkpoint",
  ]

  /// Those of commands that both programs have themselves, but for those that the session is not
  /// about.
  static var own: [String] { lexer + names + options + builtins }

  /// Those of commands whose effect does not outlive the virsh that ran them.
  static var foreignInSession: [String] {
    foreign.filter { line in !["quit", "destroy", "help"].contains { line.contains($0) } }
  }
}
