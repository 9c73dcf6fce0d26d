// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension HelperDefinition {
  /// A disk that the helper opens.
  package struct Disk: Sendable, Equatable {
    /// Where a disk's images are.
    enum Content: Sendable, Equatable {
      /// The active layer first, then its backing files, all of them; each is a disk of its own.
      case chain([DomainDefinition.Image])
      /// The same as one disk.
      case nested([DomainDefinition.Image])
      /// As a domain's `<disk>` says.
      case copied(XMLElement)
    }

    var content: Content
    /// Whether the active layer is opened read-only, which keeps a killed helper from leaving its
    /// bitmaps inconsistent.
    package var isReadOnly: Bool

    /// Makes the description of a disk of images we made.
    ///
    /// libvirt and the guest have each of them as a raw disk, so that libvirt labels and opens it and
    /// nothing more: whoever has the helper puts the images over these, in QEMU alone. A chain behind
    /// a device, which QEMU describes to libvirt as images in images, libvirt cannot read where it is
    /// long: it then cannot even start the domain.
    ///
    /// - Parameters:
    ///   - chain: The active layer first, then its backing files, all qcow2; or one image of another
    ///     format. Every one must be a file, a block device or a volume.
    ///   - isReadOnly: Whether the active layer is opened read-only; the others are.
    package init(chain: [DomainDefinition.Image], isReadOnly: Bool = true) {
      content = .chain(chain)
      self.isReadOnly = isReadOnly
    }

    /// Whether what libvirt has are the files, over which the images are to be put.
    package var isLayered: Bool {
      guard case .chain(let images) = content else { return false }
      return images.first?.format == "qcow2"
    }

    /// Makes the description of a disk that has images as a domain's disk would have them.
    ///
    /// - Parameter chain: The active layer first, then its backing files, all of them: nothing is
    ///   probed. Every image must have a format and be a file, a block device or a volume.
    package init(nested chain: [DomainDefinition.Image]) {
      content = .nested(chain)
      isReadOnly = true
    }

    /// Makes the description of a disk of a domain: libvirt finds the images as it would for the
    /// domain itself.
    ///
    /// - Parameters:
    ///   - target: The disk's target name.
    ///   - definition: The domain's definition.
    ///   - isReadOnly: Whether it is opened read-only.
    /// - Throws: `DomainXMLError` where the definition has no such disk.
    package init(
      copying target: String, of definition: String, isReadOnly: Bool = true
    ) throws(DomainXMLError) {
      let root = try XMLElement(parsing: definition)
      guard
        let disk = root.elements("devices").flatMap({ $0.elements("disk") }).first(where: {
          $0.element("target")?["dev"] == target
        })
      else { throw .invalid("the domain has no disk '\(target)'") }
      content = .copied(disk)
      self.isReadOnly = isReadOnly
    }
  }

  /// What becomes of one of the disks.
  ///
  /// - Parameter index: Its place in ``disks``.
  /// - Returns: The target names of what libvirt has for it, the active layer first.
  package func targets(of index: Int) -> [String] { layout.targets[index] }

  /// The target name of the disk at an index, counted from 0: `sda` to `sdz`, then `sdaa`.
  package static func target(at index: Int) -> String {
    var letters = ""
    var rest = index
    repeat {
      letters = String(UnicodeScalar(UInt8(ascii: "a") + UInt8(rest % 26))) + letters
      rest = rest / 26 - 1
    } while rest >= 0
    return "sd" + letters
  }

  /// The disks as elements.
  func diskElements() throws(DomainXMLError) -> [XMLElement] {
    var elements: [XMLElement] = []
    for case .chain(let images) in disks.map(\.content)
    where images.count != 1 && !images.allSatisfy({ $0.format == "qcow2" }) || images.isEmpty {
      throw .invalid("the images of a chain are not all qcow2")
    }
    for (unit, opened) in layout.opened.enumerated() {
      elements.append(try opened.xmlElement(unit: unit))
    }
    return elements
  }

  /// Something that libvirt opens.
  fileprivate struct Opened {
    var content: Disk.Content
    var isReadOnly: Bool
  }

  /// What libvirt opens, and the target names of that for each of the disks.
  private var layout: (opened: [Opened], targets: [[String]]) {
    var opened: [Opened] = []
    var places: [DomainDefinition.Source: Int] = [:]
    let targets = disks.map { disk -> [String] in
      guard case .chain(let chain) = disk.content else {
        opened.append(Opened(content: disk.content, isReadOnly: disk.isReadOnly))
        return [Self.target(at: opened.count - 1)]
      }
      return chain.enumerated().map { place, image in
        let isReadOnly = disk.isReadOnly || place > 0
        // Two chains may have the same images from some point on.
        let known = places[image.source] ?? opened.count
        if known == opened.count {
          opened.append(Opened(content: .chain([image]), isReadOnly: isReadOnly))
          places[image.source] = known
        } else if !isReadOnly {
          opened[known].isReadOnly = false
        }
        return Self.target(at: known)
      }
    }
    return (opened, targets)
  }
}

extension HelperDefinition.Opened {
  /// The disk as an element, at a place on the one controller.
  fileprivate func xmlElement(unit: Int) throws(DomainXMLError) -> XMLElement {
    var element: XMLElement
    switch content {
    case .chain(let images): element = try Self.rawElement(images)
    case .nested(let images): element = try Self.nestedElement(images)
    case .copied(let disk): element = Self.copiedElement(disk)
    }
    var details = [XMLElement("target", ["dev": HelperDefinition.target(at: unit), "bus": "scsi"])]
    if isReadOnly { details.append(XMLElement("readonly")) }
    details.append(
      XMLElement(
        "address",
        ["type": "drive", "controller": "0", "bus": "0", "target": "0", "unit": String(unit)]))
    element.children += details.map { .element($0) }
    return element
  }

  /// What the helper needs of a domain's disk to open it, and nothing of how its guest sees it.
  private static func copiedElement(_ disk: XMLElement) -> XMLElement {
    let driver = disk.element("driver")
    var source = disk.element("source") ?? XMLElement("source")
    source["index"] = nil
    var children = [
      XMLElement("driver", ["name": "qemu", "type": driver?["type"] ?? "raw"]), source,
    ]
    children += disk.elements("backingStore") + disk.elements("encryption")
    return XMLElement("disk", ["type": disk["type"], "device": "disk"], children)
  }

  /// The file of an image, whatever is in it.
  private static func rawElement(
    _ images: [DomainDefinition.Image]
  ) throws(DomainXMLError) -> XMLElement {
    _ = try format(of: images.first)
    var image = images
    image[0].format = "raw"
    return try nestedElement(image)
  }

  private static func nestedElement(
    _ chain: [DomainDefinition.Image]
  ) throws(DomainXMLError) -> XMLElement {
    let format = try format(of: chain.first)
    var backing = XMLElement("backingStore")
    for image in chain.dropFirst().reversed() {
      let (type, source) = try image.source.xmlElement()
      backing = XMLElement(
        "backingStore", ["type": type],
        [XMLElement("format", ["type": try Self.format(of: image)]), source, backing])
    }
    let (type, source) = try chain[0].source.xmlElement()
    return XMLElement(
      "disk", ["type": type, "device": "disk"],
      [XMLElement("driver", ["name": "qemu", "type": format]), source, backing])
  }

  private static func format(
    of image: DomainDefinition.Image?
  ) throws(DomainXMLError) -> String {
    guard let format = image?.format, Syntax.isWord(format) else {
      throw .invalid("every image of a helper domain needs a format")
    }
    return format
  }
}
