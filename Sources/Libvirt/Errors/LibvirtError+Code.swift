// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension LibvirtError {
  /// The kind of an error (`virErrorNumber`), open: a newer libvirt may send codes not named here.
  package struct Code: RawRepresentable, Sendable, Hashable {
    /// libvirt's number.
    package let rawValue: Int32

    /// Makes a code of libvirt's number.
    package init(rawValue: Int32) {
      self.rawValue = rawValue
    }

    /// Makes a code of libvirt's constant.
    private init(_ number: virErrorNumber) {
      self.init(rawValue: Int32(number.rawValue))
    }

    /// Something inside libvirt or the hypervisor failed.
    package static var internalError: Code { Code(VIR_ERR_INTERNAL_ERROR) }
    /// The driver lacks the function.
    package static var noSupport: Code { Code(VIR_ERR_NO_SUPPORT) }
    /// There is no connection to the hypervisor.
    package static var noConnect: Code { Code(VIR_ERR_NO_CONNECT) }
    /// The connection object is not valid.
    package static var invalidConnection: Code { Code(VIR_ERR_INVALID_CONN) }
    /// An argument is wrong.
    package static var invalidArg: Code { Code(VIR_ERR_INVALID_ARG) }
    /// The operation failed.
    package static var operationFailed: Code { Code(VIR_ERR_OPERATION_FAILED) }
    /// A document does not say what it must.
    package static var xmlError: Code { Code(VIR_ERR_XML_ERROR) }
    /// There is such a domain already.
    package static var domainExist: Code { Code(VIR_ERR_DOM_EXIST) }
    /// The connection is read-only.
    package static var operationDenied: Code { Code(VIR_ERR_OPERATION_DENIED) }
    /// A document is not XML.
    package static var xmlDetail: Code { Code(VIR_ERR_XML_DETAIL) }
    /// A system call failed.
    package static var systemError: Code { Code(VIR_ERR_SYSTEM_ERROR) }
    /// The conversation with the daemon failed.
    package static var rpc: Code { Code(VIR_ERR_RPC) }
    /// There is no such domain.
    package static var noDomain: Code { Code(VIR_ERR_NO_DOMAIN) }
    /// Authentication failed.
    package static var authFailed: Code { Code(VIR_ERR_AUTH_FAILED) }
    /// There is no such storage pool.
    package static var noStoragePool: Code { Code(VIR_ERR_NO_STORAGE_POOL) }
    /// There is no such storage volume.
    package static var noStorageVolume: Code { Code(VIR_ERR_NO_STORAGE_VOL) }
    /// The object is not in a state that allows the operation.
    package static var operationInvalid: Code { Code(VIR_ERR_OPERATION_INVALID) }
    /// The domain has no metadata of that kind.
    package static var noDomainMetadata: Code { Code(VIR_ERR_NO_DOMAIN_METADATA) }
    /// There is no such secret.
    package static var noSecret: Code { Code(VIR_ERR_NO_SECRET) }
    /// The driver does not know a part of the configuration.
    package static var configUnsupported: Code { Code(VIR_ERR_CONFIG_UNSUPPORTED) }
    /// Something else held the object for too long.
    package static var operationTimeout: Code { Code(VIR_ERR_OPERATION_TIMEOUT) }
    /// There is no such snapshot.
    package static var noDomainSnapshot: Code { Code(VIR_ERR_NO_DOMAIN_SNAPSHOT) }
    /// The driver does not know an argument or a flag.
    package static var argumentUnsupported: Code { Code(VIR_ERR_ARGUMENT_UNSUPPORTED) }
    /// Someone aborted the operation.
    package static var operationAborted: Code { Code(VIR_ERR_OPERATION_ABORTED) }
    /// The user gave up authentication.
    package static var authCancelled: Code { Code(VIR_ERR_AUTH_CANCELLED) }
    /// The object cannot do the operation.
    package static var operationUnsupported: Code { Code(VIR_ERR_OPERATION_UNSUPPORTED) }
    /// The guest agent does not answer.
    package static var agentUnresponsive: Code { Code(VIR_ERR_AGENT_UNRESPONSIVE) }
    /// The guest agent did not answer a command in time (since libvirt 11).
    package static var agentCommandTimeout: Code { Code(rawValue: 112) }
    /// The guest agent refused a command (since libvirt 11; an internal error before).
    package static var agentCommandFailed: Code { Code(rawValue: 113) }
    /// Something else uses the resource.
    package static var resourceBusy: Code { Code(VIR_ERR_RESOURCE_BUSY) }
    /// The daemon does not allow this client to do so.
    package static var accessDenied: Code { Code(VIR_ERR_ACCESS_DENIED) }
    /// There is such a storage volume already.
    package static var storageVolExist: Code { Code(VIR_ERR_STORAGE_VOL_EXIST) }
    /// A document does not follow its schema.
    package static var xmlInvalidSchema: Code { Code(VIR_ERR_XML_INVALID_SCHEMA) }
    /// No way of authentication is left.
    package static var authUnavailable: Code { Code(VIR_ERR_AUTH_UNAVAILABLE) }
    /// The guest agent answered something else.
    package static var agentUnsynced: Code { Code(VIR_ERR_AGENT_UNSYNCED) }
    /// There is no such checkpoint.
    package static var noDomainCheckpoint: Code { Code(VIR_ERR_NO_DOMAIN_CHECKPOINT) }
  }
}
