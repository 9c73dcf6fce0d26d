// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

struct XMLElementTests {
  @Test(arguments: [
    "<a/>", "<a b='1' c='2'/>", "<a>  <b/>\n\t</a>", "<a>&lt;&amp;&gt;\"'</a>",
    "<a b='&lt;&amp;&gt;&quot;&apos;'/>", "<a b='x&#10;y&#9;z&#13;'/>", "<a>x&#13;\ny</a>",
    "<a><![CDATA[<&]]></a>", "<a><![CDATA[]]]]><![CDATA[>]]></a>", "<a><!-- c --><?p i?></a>",
    "<a xmlns='urn:a' xmlns:b='urn:b'><b:c b:d='1' d='2'/></a>", "<a>ü\u{1F642}\u{85}</a>",
    "<a><b xmlns='urn:b'><c xmlns=''/></b></a>", "<a xml:lang='de'/>", "<a>x<b/>y</a>",
    "<?xml version='1.0' encoding='ISO-8859-1'?><a>ü</a>", "\u{FEFF}<a/> \n\n",
  ])
  func `What is written is the same element again`(text: String) throws {
    let element = try XMLElement(parsing: text)
    let written = try element.xml()
    #expect(try XMLElement(parsing: written) == element)
    #expect(try XMLElement(parsing: written).xml() == written)
  }

  @Test
  func `Text and attributes come unescaped`() throws {
    let element = try XMLElement(
      parsing: "<a b='&amp;&#65;&lt;'>x&amp;y<c>no</c><![CDATA[&amp;]]></a>")
    #expect(element["b"] == "&A<")
    #expect(element.text == "x&y&amp;")
  }

  @Test
  func `Neighbouring CDATA sections keep the end mark in their text`() throws {
    let element = try XMLElement(parsing: "<a><![CDATA[]]]]><![CDATA[>]]></a>")
    #expect(element.text == "]]>")
    #expect(try XMLElement(parsing: element.xml()).text == "]]>")
  }

  @Test
  func `Libvirt's own text does not change`() throws {
    let text = "<domain type='kvm'>\n  <name>a</name>\n  <on_crash>destroy</on_crash>\n</domain>"
    #expect(try XMLElement(parsing: text).xml() == text)
  }

  static let billionLaughs =
    "<!DOCTYPE a [<!ENTITY b0 'lol'>"
    + (1...9).map { "<!ENTITY b\($0) '" + String(repeating: "&b\($0 - 1);", count: 10) + "'>" }
    .joined() + "]><a>&b9;</a>"

  @Test(arguments: [
    billionLaughs, "<!DOCTYPE a><a/>", "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x.dtd'><a/>",
    "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "<!DOCTYPE a PUBLIC 'p' '/dev/zero'><a/>",
    "<!DOCTYPE a [<!ENTITY x SYSTEM '/etc/passwd'>]><a>&x;</a>",
    "<?xml version='1.0'?>\n<!-- c -->\n<!DOCTYPE a [<!ENTITY % x SYSTEM '/dev/zero'> %x;]><a/>",
  ])
  func `A document type is refused before anything of it is read`(text: String) {
    let error = #expect(throws: DomainXMLError.self) { try XMLElement(parsing: text) }
    #expect(error?.reason == .documentType)
  }

  @Test(arguments: [
    "", " ", "a", "<a>", "<a></b>", "<a/><b/>", "<a b=1/>", "<a b='1' b='2'/>", "<a>&x;</a>",
    "<a>\u{0}</a>", "<a/>\u{0}", "<a>\u{1}</a>", "<a>&#0;</a>", "<a>&#x1;</a>", "<p:a/>",
    "<a p:b='1'/>",
    "<a b='<'/>", "<a>]]></a>", "<a/>x", "<!ENTITY x 'y'><a/>", "{\"a\": 1}", "<a b='\u{FFFF}'/>",
    String(repeating: "<a>", count: 10_000) + String(repeating: "</a>", count: 10_000),
    String(repeating: "<a>", count: 1_000_000),
    "<a " + (0..<50_000).map { "b\($0)=''" }.joined(separator: " "),
  ])
  func `What is not well-formed is refused`(text: String) {
    let error = #expect(throws: DomainXMLError.self) { try XMLElement(parsing: text) }
    #expect(error?.reason == .syntax)
    #expect(error?.message.isEmpty == false)
  }

  @Test
  func `An error names its line`() {
    let error = #expect(throws: DomainXMLError.self) {
      try XMLElement(parsing: "<a>\n\n<b></c></a>")
    }
    #expect(error?.line == 3)
  }

  @Test
  func `A document of a hundred megabytes is refused at once`() {
    let text = "<a>" + String(repeating: "x", count: 100_000_000) + "</a>"
    let error = #expect(throws: DomainXMLError.self) { try XMLElement(parsing: text) }
    #expect(error?.message == "the document is larger than 8 MiB")
  }

  @Test
  func `Eight mebibytes are read`() throws {
    let part = "<b>" + String(repeating: "y", count: 1_000_000) + "</b>"
    let text = "<a>" + String(repeating: part, count: 8) + "</a>"
    #expect(try XMLElement(parsing: text).elements.count == 8)
  }

  @Test(arguments: ["\u{0}", "\u{1}", "\u{1B}", "\u{FFFE}", "\u{FFFF}"])
  func `What XML cannot hold is not written`(text: String) {
    #expect(throws: DomainXMLError.self) { try XMLElement("a", text: text).xml() }
    #expect(throws: DomainXMLError.self) { try XMLElement("a", ["b": text]).xml() }
  }

  @Test
  func `Elements are laid out, but never those that came with a layout of their own`() throws {
    let inner = try XMLElement(parsing: "<d><e/><f/></d>")
    let document = XMLElement(
      "a", ["x": nil, "y": "1"], [XMLElement("b", [:], [XMLElement("c", text: "t")]), inner])
    #expect(
      try document.document() == """
        <a y='1'>
          <b>
            <c>t</c>
          </b>
          <d><e/><f/></d>
        </a>

        """)
  }

  @Test
  func `An element taken out of its document keeps the declarations it needs`() throws {
    let root = try XMLElement(
      parsing:
        "<a xmlns:p='urn:p' xmlns:q='urn:q' xmlns:r='urn:r'><b q:x='1'><p:c/><r:d xmlns:r='urn:s'/></b></a>"
    )
    let inner = try #require(root.element("b")).declaring(root.declarations)
    let text = try inner.xml()
    let again = try XMLElement(parsing: text)
    #expect(again.declarations.map(\.prefix) == ["q", "p"])
    #expect(again.elements.map(\.namespace) == ["urn:p", "urn:s"])
  }

  @Test
  func `Removing and inserting keep the layout`() throws {
    var element = try XMLElement(parsing: "<a>\n  <b/>\n  <c/>\n  <d/>\n</a>")
    element.removeElements("c")
    #expect(try element.xml() == "<a>\n  <b/>\n  <d/>\n</a>")
    element.insert(XMLElement("e"), after: "b")
    element.insert(XMLElement("f"))
    element.insert(XMLElement("g"), after: "d")
    element.insert(XMLElement("h"), after: "nothing")
    #expect(try element.xml() == "<a>\n  <h/>\n  <f/>\n  <b/>\n  <e/>\n  <d/>\n  <g/>\n</a>")
    var empty = XMLElement("a")
    empty.insert(XMLElement("b"), after: "c")
    #expect(try empty.xml() == "<a><b/></a>")
  }
}
