// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension NBDServer {
  /// The URI of an export (the NBD project's `doc/uri.md`).
  ///
  /// - Parameter export: The export's name.
  /// - Returns: The URI.
  package func uri(export: String) -> String {
    let scheme = isTLS ? "nbds" : "nbd"
    let name = NBDServer.escape(export)
    switch transport {
    case .unix(let path):
      return "\(scheme)+unix:///\(name)?socket=\(NBDServer.escape(path ?? "", keeping: "/"))"
    case .tcp(let host, let port):
      let place = host.contains(":") ? "[\(host)]" : host
      return "\(scheme)://\(place)\(port.map { ":\($0)" } ?? "")/\(name)"
    }
  }

  /// A text with every byte that means something in a URI as `%XX`.
  private static func escape(_ text: String, keeping kept: String = "") -> String {
    var escaped = ""
    for byte in text.utf8 {
      let scalar = Unicode.Scalar(byte)
      let isPlain =
        byte < 0x80 && (scalar.properties.isAlphabetic || (0x30...0x39).contains(byte))
      if isPlain || "-._~".utf8.contains(byte) || kept.utf8.contains(byte) {
        escaped.unicodeScalars.append(scalar)
      } else {
        escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return escaped
  }
}
