// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a domain keeps between two starts that is on none of its disks.
extension DomainDefinition {
  /// The variables of UEFI firmware.
  package struct NVRAM: Sendable, Equatable {
    /// Absolute path of their file; nil where libvirt chooses it when the domain starts, and where
    /// ``isFile`` is false.
    package var path: String?
    /// Format of that file.
    package var format: String
    /// False where they are somewhere else (`network`, `block`).
    package var isFile: Bool

    /// Makes the description of an NVRAM.
    package init(path: String?, format: String = "raw", isFile: Bool = true) {
      self.path = path
      self.format = format
      self.isFile = isFile
    }
  }

  /// An emulated TPM, which keeps its state in a directory of libvirt's.
  package struct TPM: Sendable, Equatable {
    /// `2.0` or `1.2`.
    package var version: String
    /// Whether the definition says itself where the state is.
    package var hasSource: Bool

    /// Makes the description of a TPM.
    package init(version: String, hasSource: Bool = false) {
      self.version = version
      self.hasSource = hasSource
    }

    /// Name of the directory of the state, beneath that of the domain.
    package var directoryName: String { version == "1.2" ? "tpm1.2" : "tpm2" }
    /// Name of the file of the state there.
    package var fileName: String { version == "1.2" ? "tpm-00.permall" : "tpm2-00.permall" }
  }
}

extension DomainDefinition.NVRAM {
  /// Reads the `<os>` of a definition; nil where its firmware has no variables.
  init?(_ os: XMLElement?) {
    guard let os else { return nil }
    guard let element = os.element("nvram") else {
      // libvirt chooses firmware and file, and firmware with `stateless` has no variables.
      guard os["firmware"] == "efi", os.element("loader")?["stateless"] != "yes" else { return nil }
      self.init(path: nil)
      return
    }
    let source = element.element("source")
    let path = element.text.isEmpty ? source?["file"] : element.text
    self.init(
      path: path, format: element["format"] ?? "raw",
      isFile: source == nil || element["type"] == "file")
  }
}

extension DomainDefinition.TPM {
  /// Reads the `<devices>` of a definition; nil where no TPM is emulated.
  init?(_ devices: [XMLElement]) {
    let backends = devices.flatMap { $0.elements("tpm") }.flatMap { $0.elements("backend") }
    guard let backend = backends.first(where: { $0["type"] == "emulator" }) else { return nil }
    self.init(
      version: backend["version"] ?? "2.0", hasSource: backend.element("source") != nil)
  }
}
