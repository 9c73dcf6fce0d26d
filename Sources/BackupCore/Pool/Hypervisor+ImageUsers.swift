// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Hypervisor {
  /// Finds what refers to images: domains by their definitions and their backing chains, volumes by
  /// their backing files, backups by their manifests.
  ///
  /// libvirt looks into the images' directories before: a volume that stands on one may be new.
  ///
  /// - Parameters:
  ///   - paths: The images.
  ///   - domainUUID: A domain that may; nil for none.
  /// - Returns: What refers to each that something refers to, for people.
  /// - Throws: What libvirt throws.
  package func imageUsers(
    of paths: [String], besides domainUUID: String? = nil
  ) throws -> [String: String] {
    for directory in Set(paths.map { Paths.split($0).directory }) {
      try? repository(directory: directory).refresh()
    }
    var users = try domainImages(besides: domainUUID)
    let directories = Set(
      (paths + paths.map(resolved)).map { Paths.split($0).directory })
    for directory in directories {
      for (volume, file) in try backingFiles(in: directory) {
        let image = resolved(file)
        if users[image] == nil { users[image] = "volume '\(volume)' as its backing file" }
      }
    }
    for repository in try repositories()
    where directories.contains(repository.directory) {
      for point in try Catalog(of: repository, refresh: false).points {
        for volume in point.manifest.volumes {
          users[resolved(repository.path(of: volume.name))] =
            "backup '\(point.manifest.name)' of domain '\(point.manifest.domainName)'"
        }
      }
    }
    return Dictionary(
      paths.compactMap { path in users[resolved(path)].map { (path, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// The images that domains of the host have, by their definitions, running and defined, and by what
  /// these stand on.
  ///
  /// - Parameter domainUUID: A domain that is left out; nil for none.
  /// - Returns: What has each image, for people, by its path without links.
  /// - Throws: What libvirt throws.
  package func domainImages(besides domainUUID: String?) throws -> [String: String] {
    var users: [String: String] = [:]
    for domain in try domains() where domain.uuid != domainUUID {
      for text in domain.definitions {
        let definition = try DomainDefinition(parsing: text)
        for (path, isRaw) in paths(ofImagesOf: definition) {
          for image in isRaw ? [resolved(path)] : try backingChain(of: path)
          where users[image] == nil {
            users[image] = "domain '\(domain.name)'"
          }
        }
      }
    }
    return users
  }

  /// An image and what it stands on, as far as that can be seen, without links.
  private func backingChain(of path: String) throws -> [String] {
    var chain: [String] = []
    var next: String? = path
    while let path = next, !chain.contains(resolved(path)) {
      chain.append(resolved(path))
      next = try backingFile(of: path)
    }
    return chain
  }

  /// The files and devices that a definition names for its disks and its NVRAM.
  package func paths(of definition: DomainDefinition) throws -> [String] {
    paths(ofImagesOf: definition).map(\.path)
  }

  /// The same, and whether each is what the guest sees and nothing else: what it stands on would be
  /// the guest's own word.
  private func paths(
    ofImagesOf definition: DomainDefinition
  ) -> [(path: String, isRaw: Bool)] {
    let nvram = (definition.nvram?.path).map { ($0, false) }
    return [nvram].compactMap(\.self)
      + definition.disks.flatMap(\.chain).compactMap { image in
        let path: String? =
          switch image.source {
          case .file(let path), .block(let path): path
          case .volume(let pool, let name):
            // The pool may be gone; nothing can be in it then.
            (try? poolDirectory(name: pool)).map { "\($0)/\(name)" }
          case .other, .none: nil
          }
        return path.map { ($0, image.format == "raw") }
      }
  }
}
