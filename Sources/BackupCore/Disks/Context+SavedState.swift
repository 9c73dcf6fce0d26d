// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// Finds, reads and writes the state that a point has beside the disks: NVRAM and TPM.
///
/// QEMU copies the NVRAM as it copies disks. The state of the TPM, some kilobytes, can be reached
/// by libvirt's storage alone.
extension Context {
  /// The longest state of a TPM; libtpms has some tens of kilobytes.
  package static let longestState: UInt64 = 1 << 20

  // MARK: - What there is to save

  /// The state of a running domain, whose QEMU has these nodes and devices.
  package func stateSources(
    of definition: DomainDefinition, nodes: [BlockNode], devices: [BlockInfo]
  ) -> StateSources {
    var sources = StateSources()
    if definition.nvram != nil {
      let device = devices.first { $0.qdev.hasSuffix(".flash1") == true }
      if let node = device?.inserted.flatMap({ nodes.byName[$0.nodeName] }) {
        sources.nvram = .init(node: node.nodeName, capacity: node.image.virtualSize)
      } else {
        sources.unsaved.append("the NVRAM is not saved: QEMU has no flash device for it")
      }
    }
    findTPM(of: definition, isRunning: true, into: &sources)
    return sources
  }

  /// The state of a domain that is shut off, but for its NVRAM, which a helper domain has to open.
  ///
  /// - Returns: The state, and the disk of that helper; nil where there is no NVRAM.
  package func stateSources(
    of definition: DomainDefinition, text: String
  ) throws -> (sources: StateSources, nvram: HelperDomain.Disk?) {
    var sources = StateSources()
    findTPM(of: definition, isRunning: false, into: &sources)
    guard let nvram = definition.nvram else { return (sources, nil) }
    guard nvram.isFile, let path = hypervisor.nvramPath(of: text, definition) else {
      sources.unsaved.append("the NVRAM is not saved: libvirt does not say in which file it is")
      return (sources, nil)
    }
    // A domain that was never started may have none yet.
    guard isThere(path) else { return (sources, nil) }
    let image = DomainDefinition.Image(source: .file(path), format: nvram.format, index: nil)
    return (sources, (VolumeNames.nvramDisk, .init(chain: [image])))
  }

  private func findTPM(
    of definition: DomainDefinition, isRunning: Bool, into sources: inout StateSources
  ) {
    guard let tpm = definition.tpm else { return }
    guard let path = statePath(of: tpm, uuid: definition.uuid) else {
      sources.unsaved.append("the state of the TPM is not saved: libvirt does not say where it is")
      return
    }
    if isThere(path) {
      sources.tpm = .init(path: path)
    } else if isRunning {
      sources.unsaved.append("the state of the TPM is not saved: there is no '\(path)'")
    }
  }

  /// The file of a TPM's state; nil where that is not known.
  package func statePath(of tpm: DomainDefinition.TPM, uuid: String) -> String? {
    guard !tpm.hasSource, let directory = hypervisor.tpmDirectory(uuid: uuid) else { return nil }
    return "\(directory)/\(tpm.directoryName)/\(tpm.fileName)"
  }

  /// Tells that there is such a file, in a directory that there may not be.
  package func isThere(_ path: String) -> Bool {
    if hypervisor.isTaken(path) { return true }
    let (directory, name) = Paths.split(path)
    // A pool outlives its directory.
    guard let files = try? hypervisor.repository(directory: directory),
      (try? files.refresh()) != nil
    else { return false }
    return (try? files.contains(name)) == true
  }

  // MARK: - Saving

  /// Finds the state of a TPM where it is in use.
  ///
  /// - Returns: What reads it, which takes no time that a guest could not wait.
  package func reader(of tpm: StateSources.TPM) throws -> () throws -> [UInt8] {
    let (directory, name) = Paths.split(tpm.path)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    return { try files.read(name, offset: 0, length: Context.longestState) }
  }

  /// Writes the state of a TPM into the volume of a point.
  package func write(_ state: [UInt8]?, of manifest: Manifest) throws {
    guard let state, let tpm = manifest.tpm else { return }
    try repository.write(tpm.volume.name, state)
  }

  /// The state of a TPM in a volume.
  package func stateOfTPM(in volume: String) throws -> [UInt8] {
    try repository.read(volume, offset: 0, length: Context.longestState)
  }
}
