import COpenSSL

/// The names in the certificate that a client has shown: its URIs and DNS names in the certificate's order, or, when it
/// has neither, its common name. Empty without a certificate, or when it names nobody.
func certificateNames(of session: OpaquePointer) -> [String] {
  guard let certificate = SSL_get0_peer_certificate(session) else { return [] }
  let names = alternativeNames(certificate)
  return names.isEmpty ? commonName(certificate).map { [$0] } ?? [] : names
}

private func alternativeNames(_ certificate: OpaquePointer) -> [String] {
  guard let raw = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
  let names = OpaquePointer(raw)
  defer { GENERAL_NAMES_free(names) }
  return (0..<OPENSSL_sk_num(names)).compactMap { index in
    guard let value = OPENSSL_sk_value(names, index) else { return nil }
    let name = value.assumingMemoryBound(to: GENERAL_NAME.self)
    // Both kinds are an IA5String, and share their place in the union.
    return [GEN_URI, GEN_DNS].contains(name.pointee.type) ? text(name.pointee.d.ia5) : nil
  }
}

private func commonName(_ certificate: OpaquePointer) -> String? {
  let subject = X509_get_subject_name(certificate)
  let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
  guard index >= 0 else { return nil }
  return text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)))
}

/// A name as text; nil if it is empty, is not UTF-8 or contains a zero byte, with which one name could pass for another.
private func text(_ string: UnsafePointer<ASN1_STRING>?) -> String? {
  guard let string, let bytes = ASN1_STRING_get0_data(string) else { return nil }
  let content = UnsafeBufferPointer(start: bytes, count: Int(ASN1_STRING_length(string)))
  if content.isEmpty || content.contains(0) { return nil }
  return String(validating: content, as: UTF8.self)
}
