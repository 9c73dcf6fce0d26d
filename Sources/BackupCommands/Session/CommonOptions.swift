// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Vsh

/// Options that several commands have.
extension Vsh.Option where Context == Client {
  /// The domain, which must exist.
  static func domain(_ completer: @escaping Completer = Completers.domains) -> Option {
    .string("domain", "domain name, id or uuid", required: true, completer: completer)
  }

  /// The domain, which may be gone.
  static var recordedDomain: Option {
    .string(
      "domain", "domain name, id or uuid; it need not exist any more", required: true,
      completer: Completers.recordedDomains)
  }

  /// The domain, which may be gone and may be left out.
  static var anyRecordedDomain: Option {
    .string(
      "domain", "domain name, id or uuid; all domains if not given", positional: true,
      completer: Completers.recordedDomains)
  }

  /// The pool.
  static var pool: Option {
    .string(
      "pool", "storage pool of the backups: name, uuid or absolute directory",
      completer: Completers.pools)
  }

  /// A backup that may be left out.
  static var backupname: Option {
    .string(
      "backupname", "backup name or uuid; the newest one if not given", positional: true,
      completer: Completers.backups)
  }

  /// When to give up.
  static var timeout: Option {
    .duration(
      "timeout", "cancel the operation after that time (90s, 5m, 2h; seconds without a unit)")
  }

  /// A limit of what copies take.
  static var bandwidth: Option {
    .number("bandwidth", "limit of all copies together: 10M, 500K a second; MiB if without a unit")
  }

  /// The unit of that limit.
  static var bytes: Option { .bool("bytes", "the limit is in bytes/s") }

  /// A guest whose writes do not depend on the storage of its backup.
  static var protected: Option {
    .bool("protected", "fail where the guest's writes would depend on the storage of the backup")
  }

  /// A guest whose writes do.
  static var unprotected: Option {
    .bool("unprotected", "let the guest's writes depend on the storage of the backup")
  }

  /// Progress.
  static var verbose: Option { .bool("verbose", "display the progress") }

  /// JSON.
  static var json: Option { .bool("json", "print one JSON document") }
}

/// Rules that several commands have.
extension OptionRule {
  /// The unit of a limit makes no sense without the limit.
  static let unitOfBandwidth: Self = .requires("bytes", "bandwidth")

  /// A command that returns while data is copied has nothing left to give up.
  static let asyncOrTimeout: Self = .excludes("async", "timeout")

  /// A guest's writes depend on the storage of its backup or they do not.
  static let protection: Self = .excludes("protected", "unprotected")
}

extension Arguments {
  /// What `--protected` and `--unprotected` say, which exclude each other.
  var protection: Protection {
    if flag("protected") { return .required }
    return flag("unprotected") ? .none : .automatic
  }
}
