// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Where the data of a disk goes when a document names a `<target>`: a copy that no pool lists.
package struct CopyTarget: Sendable, Equatable {
  /// A file, which is made, or a block device, which is there.
  package var type: BackupDefinition.StoreType
  /// `qcow2` or `raw`.
  package var format: String
  /// The path, and what the document says of labels.
  package var store: BackupDefinition.Store

  /// Makes the description of a target.
  package init(
    type: BackupDefinition.StoreType, format: String, store: BackupDefinition.Store
  ) {
    self.type = type
    self.format = format
    self.store = store
  }

  /// What is written down of it.
  package var described: Partial.CopyTarget {
    .init(type: type, path: store.path, format: format, isEncrypted: store.encryption != nil)
  }

  /// Format of the image: an encrypted raw one is LUKS and nothing else.
  package var imageFormat: String { format == "raw" && store.encryption != nil ? "luks" : format }

  /// Whom a file belongs to: QEMU's user, unless the document says something else.
  package func owner(default owner: FileOwner?) -> FileOwner? {
    switch label(model: "dac") {
    case .given(_, let labels): labels.first.flatMap(FileOwner.init(label:)) ?? owner
    case .kept, .skipped: nil
    case nil: owner
    }
  }

  /// The SELinux label of a file.
  package func securityLabel(default label: String?) -> String? {
    switch self.label(model: "selinux") {
    case .given(_, let labels): labels.first
    case .kept, .skipped: nil
    case nil: label
    }
  }

  /// What the document says of labels of a model.
  private func label(model: String) -> BackupDefinition.SecurityLabel? {
    store.securityLabels.first { label in
      switch label {
      case .kept(let other), .skipped(let other), .given(let other, _):
        other == nil || other == model
      }
    }
  }
}

extension Partial {
  /// Whether copies are made that no pool lists.
  package var isCopy: Bool {
    if case .create(_, let disks, _, _) = operation {
      return disks.contains { $0.target != nil }
    }
    return false
  }
}
