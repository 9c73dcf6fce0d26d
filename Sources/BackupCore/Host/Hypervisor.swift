// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// A running domain, as the engine uses it.
package protocol Guest: AnyObject {
  /// Its monitor.
  var monitor: any Monitor { get }
  /// Its live definition, with what a definition keeps secret (`virDomainGetXMLDesc`).
  func definition() throws -> String
  /// Its persistent definition; nil for a transient domain.
  func inactiveDefinition() throws -> String?
  /// Whether its processors run, and else who stopped them (`virDomainGetState`).
  func standstill() throws -> Standstill
  /// Lets them run again; one that runs is fine (`virDomainResume`).
  func resume() throws
  /// Whether the guest's file systems are frozen, whoever did it; false where its agent does not
  /// tell.
  func isFrozen() throws -> Bool
  /// Lets the guest's file systems go on through its agent; ones that do are fine.
  func thaw() throws
  /// What the guest tells of itself through its agent, by libvirt's names, and whether the agent
  /// stopped answering.
  func information() throws -> (told: [String: String], isSilent: Bool)
  /// Takes a picture of its first screen, as PNG or as a PPM pixmap (`virDomainScreenshot`).
  ///
  /// - Throws: ``BackupError`` or what libvirt throws where it has none.
  func screenshot() throws -> [UInt8]
  /// Name of a job of libvirt's own that is active on it (`virDomainGetJobInfo`); nil for none.
  func activeJob() throws -> String?
  /// Starts to copy into a disk's image what it stands on; a disk that does so already is fine
  /// (`virDomainBlockPull`).
  ///
  /// - Parameters:
  ///   - disk: The target name.
  ///   - speed: Bytes per second; 0 for no limit.
  /// - Throws: What libvirt throws.
  func pull(_ disk: String, speed: Int64) throws
  /// How far libvirt's block job of a disk is (`virDomainGetBlockJobInfo`); nil where it has none.
  func blockJob(of disk: String) throws -> DiskProgress?
  /// Cancels libvirt's block job of a disk; one that has ended is fine (`virDomainBlockJobAbort`).
  func abortBlockJob(of disk: String) throws
  /// Limits libvirt's block job of a disk, in bytes per second (`virDomainBlockJobSetSpeed`).
  ///
  /// - Returns: False where the disk has none.
  func setBlockJobSpeed(of disk: String, to speed: Int64) throws -> Bool
  /// Waits until something becomes of a block job of libvirt's, or the user asks to stop.
  func awaitBlockJob(timeoutMilliseconds: Int) throws
  /// Ends it at once; one that has ended is fine (`virDomainDestroy`).
  func destroy() throws
  /// Whether its QEMU has ended, asked where a call failed (`virDomainIsActive`).
  ///
  /// libvirt tells of a monitor that it lost before it takes note of the end, for which this waits.
  func hasEnded() -> Bool
}

extension Guest {
  /// A guest without a screen.
  package func screenshot() throws -> [UInt8] {
    throw BackupError(.invalid, "the domain has no screen")
  }
}

/// Whether a guest's processors run, and who stopped them.
package enum Standstill: Sendable {
  /// They run.
  case none
  /// QEMU's own `stop` stopped them, which we use: libvirt cannot name a reason for it, and has one
  /// for whatever it is asked to stop itself.
  case ours
  /// Somebody suspended the domain, or something went wrong.
  case others
}

/// The libvirt host the engine works on.
package protocol Hypervisor: DomainRegistry {
  /// Which libvirt it is, for those who meet what it left.
  func host() throws -> HostIdentity
  /// The running domain of that UUID; nil when there is none.
  func guest(uuid: String) throws -> (any Guest)?
  /// The running domain of that name; nil when there is none.
  func guest(name: String) throws -> (any Guest)?
  /// Names and definitions of the domains that run and have names of helper domains
  /// (`virConnectListAllDomains`).
  func helperDomains() throws -> [(name: String, definition: String)]
  /// Starts a helper domain, paused (`virDomainCreateXML`).
  ///
  /// - Parameters:
  ///   - definition: Its definition.
  ///   - name: The name that it has there.
  ///   - outlivesClient: Whether it goes on when our connection ends.
  /// - Returns: The domain.
  /// - Throws: What libvirt throws.
  func startHelper(
    _ definition: String, name: String, outlivesClient: Bool
  ) throws -> any Guest
  /// Notes a helper domain of another client that this command ends with its operation: it is killed
  /// where a call of the command is not answered.
  func note(helper name: String)
  /// Makes a domain persistent (`virDomainDefineXML`).
  func define(_ definition: String) throws
  /// Why libvirt would refuse to define that, in its own words; nil where it would not.
  ///
  /// It is asked for a command line (`virConnectDomainXMLToNative`) and, where it gives none, to
  /// define a domain of another name, which is forgotten at once.
  func refusal(of definition: String) throws -> String?
  /// Forgets what ``refusal(of:)`` defined for clients that died in that moment.
  func forgetTrials() throws
  /// Forgets the definition of a domain that is shut off, and nothing that belongs to it
  /// (`virDomainUndefineFlags`).
  func undefine(uuid: String) throws
  /// Starts a defined domain (`virDomainCreate`).
  func start(uuid: String, paused: Bool) throws
  /// The volumes of a directory of the hypervisor, through the pool that has it or a transient one.
  func repository(directory: String) throws -> any Repository
  /// Makes a directory of the hypervisor that only its owner can read; one that is there is fine
  /// (`virStoragePoolCreateXML` with `VIR_STORAGE_POOL_CREATE_WITH_BUILD`).
  func makeDirectory(_ path: String) throws
  /// Where a definition has its NVRAM, by its own word or by libvirt's choice
  /// (`virConnectDomainXMLToNative`); nil where neither tells.
  func nvramPath(of definition: String, _ parsed: DomainDefinition) -> String?
  /// Directory with the state of a domain's TPM, beneath which each version has its own; nil where
  /// that is not known.
  func tpmDirectory(uuid: String) -> String?
  /// File from which libvirt starts a domain of that name with memory that it saved; nil where that is
  /// not known.
  func managedSavePath(name: String) -> String?
  /// Opens a file of the hypervisor here; nil when the hypervisor is not this machine, the file
  /// cannot be seen from here or we may not open it.
  func open(_ path: String, forWriting: Bool) -> Int32?
  /// Opens a block device of the hypervisor here, also through links; nil as ``open(_:forWriting:)``,
  /// and where it is no block device.
  func openDevice(_ path: String, forWriting: Bool) -> Int32?
  /// Whether there is something of that path, as far as it can be seen from here; libvirt lists
  /// neither hidden files nor links that lead nowhere.
  func isTaken(_ path: String) -> Bool
  /// Whether there is provably no directory of that path: the hypervisor is this machine, and there
  /// is nothing of that name.
  func isGone(_ directory: String) -> Bool
  /// Whether all that there is of that path could be seen by ``isTaken(_:)``.
  func sees(_ path: String) -> Bool
  /// What tells a file from any other that could come to its name; nil where that cannot be seen from
  /// here.
  func identity(of path: String) -> String?
  /// Whom the images of a domain of that type belong to, where its definition does not say.
  func imageOwner(ofDomainType type: String) throws -> FileOwner?
  /// Gives a file its final name.
  ///
  /// - Returns: False when the file is not there, which after a repetition is right.
  /// - Throws: ``BackupError`` with code `exists` when the name is taken.
  func rename(_ path: String, to newPath: String) throws -> Bool
  /// Whether the hypervisor is this machine and files in that directory can be renamed from here.
  func canRename(in directory: String) -> Bool
  /// Directory of a pool, by the pool's name.
  ///
  /// - Throws: ``BackupError`` where there is none, or none that is active and has a directory.
  func poolDirectory(name: String) throws -> String
  /// The persistent definition of a domain, with what a definition keeps secret
  /// (`virDomainGetXMLDesc`); nil when there is no such domain, or it is transient.
  func inactiveDefinition(uuid: String) throws -> String?
  /// Name of the domain with that UUID, running or not; nil when there is none.
  func domainName(uuid: String) throws -> String?
  /// UUID of the domain with that name, running or not; nil when there is none.
  func domainUUID(name: String) throws -> String?
  /// The value of a secret of libvirt.
  func secret(_ reference: BackupDefinition.SecretReference) throws -> [UInt8]
  /// The volumes of every active pool that can hold backups.
  func repositories() throws -> [any Repository]
  /// Starts a process that can hold a guest still.
  ///
  /// - Parameters:
  ///   - uuid: The domain.
  ///   - isSuspended: Whether it stops the processors.
  ///   - frozenMark: Node that is marked while it has frozen the file systems; nil for not to freeze.
  /// - Returns: The process.
  /// - Throws: ``BackupError`` when it cannot be started or cannot connect.
  func guardGuest(
    uuid: String, isSuspended: Bool, frozenMark: String?
  ) throws -> any Guardian
}

/// A process that holds a guest still for an instant, and lets it go after some seconds whatever
/// becomes of us or of libvirt's daemon.
package protocol Guardian: AnyObject {
  /// Has the guest held.
  ///
  /// - Throws: ``BackupError`` when that is not possible; what was done of it is undone.
  func hold() throws
  /// Has the guest let go.
  ///
  /// - Throws: ``BackupError`` when the guest was not held all the time.
  func release() throws
  /// Has the guest let go after a failure, and waits for it only a moment.
  func abandon()
}

/// How the user can stop the work, and sees how far it is.
package protocol Observer: AnyObject {
  /// True once the user asked to stop (^C, SIGTERM).
  var isInterrupted: Bool { get }
  /// Takes note of how far the work is.
  func progress(_ disks: [DiskProgress])
  /// Takes note of something the user should know, a line without `error:`.
  func notice(_ text: String)
}

extension Observer {
  /// Gives up once the user asked to stop.
  ///
  /// - Throws: ``BackupError`` with code `interrupted`.
  package func stopIfInterrupted() throws {
    if isInterrupted { throw BackupError.interrupted }
  }
}

/// How far the copy of one disk is.
package struct DiskProgress: Sendable, Equatable {
  /// The target name, `vda`.
  package var disk: String
  /// Bytes copied.
  package var done: UInt64
  /// Bytes to copy in all; it may still grow.
  package var total: UInt64

  /// Makes the description.
  package init(disk: String, done: UInt64, total: UInt64) {
    self.disk = disk
    self.done = done
    self.total = total
  }
}
