// swift-tools-version: 6.2
// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import PackageDescription

/// What every Swift target is compiled with.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "virsh-backup",
  products: [
    .executable(name: "virsh-backup", targets: ["virsh-backup"])
  ],
  targets: [
    // The C libraries: a module map and a shim header each, nothing else.
    .systemLibrary(
      name: "CLibvirt", pkgConfig: "libvirt-qemu", providers: [.apt(["libvirt-dev"])]),
    .systemLibrary(name: "CReadline", providers: [.apt(["libreadline-dev"])]),
    .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),

    // The leaves: none of them knows another.
    .target(
      name: "Libvirt", dependencies: ["CLibvirt"], exclude: ["README.md"],
      swiftSettings: strict + [.strictMemorySafety()]),
    .target(name: "QMP", exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "DomainXML", dependencies: ["CLibXML2"], exclude: ["README.md", "Schema"],
      swiftSettings: strict),
    .target(name: "Vsh", exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "LineEditor", dependencies: ["CReadline"], exclude: ["README.md"],
      swiftSettings: strict),

    // The engine: what its operations share, and these. Above it the commands.
    .target(name: "BackupCore", dependencies: ["DomainXML", "QMP"], swiftSettings: strict),
    .target(
      name: "Backup", dependencies: ["BackupCore", "DomainXML", "QMP"], exclude: ["README.md"],
      swiftSettings: strict),
    .target(
      name: "BackupCommands",
      dependencies: [
        "Backup", "BackupCore", "DomainXML", "Libvirt", "LineEditor", "QMP", "Vsh",
      ],
      exclude: ["README.md"], swiftSettings: strict),
    .executableTarget(
      name: "virsh-backup", dependencies: ["BackupCommands"], swiftSettings: strict),

    // The tests mirror the sources; `Support` is what the integration tests stand on.
    .target(
      name: "TestSupport", path: "Tests/Support",
      exclude: [
        "private-libvirt", "counter.S", "nbd-reader", "tpm-index", "linux-guest",
        "linux-guest-init",
      ], swiftSettings: strict),
    .testTarget(name: "LibvirtTests", dependencies: ["Libvirt"], swiftSettings: strict),
    .testTarget(name: "QMPTests", dependencies: ["QMP"], swiftSettings: strict),
    .testTarget(
      name: "DomainXMLTests", dependencies: ["DomainXML", "FuzzTargets"], swiftSettings: strict),
    .testTarget(name: "VshTests", dependencies: ["Vsh"], swiftSettings: strict),
    .testTarget(
      name: "BackupTests",
      dependencies: ["Backup", "BackupCore", "DomainXML", "QMP", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "BackupCommandsTests",
      dependencies: [
        "Backup", "BackupCommands", "BackupCore", "DomainXML", "QMP", "TestSupport", "Vsh",
        "virsh-backup",
      ],
      exclude: ["Golden"], swiftSettings: strict),
    .testTarget(
      name: "IntegrationTests", dependencies: ["QMP", "TestSupport", "virsh-backup"],
      swiftSettings: strict),
    .testTarget(
      name: "LongTests", dependencies: ["TestSupport", "virsh-backup"], swiftSettings: strict),

    // What the fuzzer and the tests feed with the corpus.
    .target(
      name: "FuzzTargets",
      dependencies: ["Backup", "BackupCommands", "BackupCore", "DomainXML", "QMP", "Vsh"],
      path: "Tests/Fuzz/Targets", swiftSettings: strict),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)

// The fuzzer has no `main` of its own, and can be linked with `-sanitize=fuzzer` only.
if Context.environment["VIRSH_BACKUP_FUZZER"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzzer", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Fuzzer",
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}
