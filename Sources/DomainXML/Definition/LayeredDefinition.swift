// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A definition whose disks stand on backing files that it spells out, and one they are freed from.
package struct LayeredDefinition: Sendable, Equatable {
  /// A backing file.
  package struct Layer: Sendable, Equatable {
    /// Its absolute path.
    package var path: String
    /// Whether libvirt is to leave its owner alone: QEMU can read it as it is.
    package var keepsOwner: Bool

    /// Makes the description of a backing file.
    package init(path: String, keepsOwner: Bool) {
      self.path = path
      self.keepsOwner = keepsOwner
    }
  }

  /// A disk.
  package struct Disk: Sendable, Equatable {
    /// The target name, `vda`.
    package var target: String
    /// Absolute path of its own image, which is qcow2.
    package var path: String
    /// What the image stands on, all of it and all qcow2, the nearest first.
    package var layers: [Layer]

    /// Makes the description of a disk.
    package init(target: String, path: String, layers: [Layer]) {
      self.target = target
      self.path = path
      self.layers = layers
    }
  }

  /// The disks; those of the definition that are not among them stay as they are.
  package var disks: [Disk]

  /// Makes the description of a rewriting.
  package init(disks: [Disk]) { self.disks = disks }

  /// Writes the backing files into a definition.
  ///
  /// - Parameter text: the definition.
  /// - Returns: the definition, for `virDomainDefineXML`: nothing is probed.
  /// - Throws: `DomainXMLError` where it has not the disks named, or a path is impossible.
  package func applied(to text: String) throws(DomainXMLError) -> String {
    var elements: [String: (source: XMLElement, backing: XMLElement)] = [:]
    for disk in disks {
      var backing = XMLElement("backingStore")
      for layer in disk.layers.reversed() {
        var (_, source) = try DomainDefinition.Source.file(layer.path).xmlElement()
        if layer.keepsOwner {
          source.insert(XMLElement("seclabel", ["model": "dac", "relabel": "no"]))
        }
        backing = XMLElement(
          "backingStore", ["type": "file"],
          [XMLElement("format", ["type": "qcow2"]), source, backing])
      }
      elements[disk.target] = (
        try DomainDefinition.Source.file(disk.path).xmlElement().source, backing
      )
    }
    var missing = Set(elements.keys)
    let result = try Self.edited(text) { disk, target in
      guard let (source, backing) = elements[target] else { return }
      missing.remove(target)
      disk.removeElements("backingStore")
      if disk["type"] != "file" {
        disk["type"] = "file"
        disk.removeElements("source")
        disk.insert(source, after: "driver")
      }
      disk.insert(backing, after: "source")
    }
    if let target = missing.sorted().first {
      throw .invalid("the definition has no disk '\(target)'")
    }
    return result
  }

  /// Removes what is said of backing files from a definition, where the disk still has its image.
  ///
  /// - Parameters:
  ///   - text: the definition.
  ///   - images: the images by target name.
  /// - Returns: the definition; nil where it has nothing to remove.
  /// - Throws: `DomainXMLError` where the text is no definition.
  package static func freed(
    _ text: String, images: [String: String]
  ) throws(DomainXMLError) -> String? {
    var isChanged = false
    let result = try edited(text) { disk, target in
      guard let image = images[target], disk.element("source")?["file"] == image,
        disk.element("backingStore") != nil
      else { return }
      isChanged = true
      disk.removeElements("backingStore")
    }
    return isChanged ? result : nil
  }

  private static func edited(
    _ text: String, _ edit: (inout XMLElement, String) -> Void
  ) throws(DomainXMLError) -> String {
    var root = try XMLElement(parsing: text)
    _ = try DomainDefinition(root)
    root.forEachElement("devices") { devices in
      devices.forEachElement("disk") { disk in
        edit(&disk, disk.element("target")?["dev"] ?? "")
      }
    }
    return try root.xml() + "\n"
  }
}
