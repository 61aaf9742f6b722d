#if ConfigurationSupport
  public import Configuration
  public import Logging
  internal import ManaProtocol

  extension ManaClient {
    /// A client whose address and configuration come from swift-configuration.
    ///
    /// The key `address`, such as `127.0.0.1:7420`, is required; ``Configuration/init(configReader:)`` lists the others.
    ///
    /// ```swift
    /// let reader = ConfigReader(provider: EnvironmentVariablesProvider()).scoped(to: "mana")
    /// let client = try ManaClient(configReader: reader)  // MANA_ADDRESS, MANA_CLIENT_NAME, …
    /// ```
    ///
    /// - Parameters:
    ///   - configReader: where the values come from.
    ///   - logger: told of connections made and lost; nil for silence.
    /// - Throws: ``ManaError`` with the code ``ManaError/Code/invalidArgument``, which names the key.
    public convenience init(configReader: ConfigReader, logger: Logger? = nil) throws(ManaError) {
      guard let text = try CheckedReader(configReader).text("address") else {
        throw .configuration("address", "is missing; it has the form HOST:PORT or unix:PATH")
      }
      guard let address = ManaAddress(text) else {
        throw .configuration("address", "has the form HOST:PORT or unix:PATH")
      }
      self.init(address: address, configuration: try Configuration(configReader: configReader), logger: logger)
    }
  }

  extension ManaClient.Configuration {
    /// The configuration from swift-configuration. A key that is missing has the default.
    ///
    /// | key | value |
    /// |---|---|
    /// | `connectionCount` | ``connectionCount`` |
    /// | `deadlineMilliseconds` | ``deadline`` |
    /// | `connectTimeoutMilliseconds` | ``connectTimeout`` |
    /// | `backoff.initialMilliseconds`, `backoff.maxMilliseconds` | ``backoff`` |
    /// | `batching.pipelineDepth`, `batching.itemsMax`, `batching.bytesMax`, `batching.lingerMilliseconds` | ``batching`` |
    /// | `retry.attemptsMax`, `retry.tokensMax`, `retry.tokensPerAnswer` | ``retry`` |
    /// | `retry.backoff.initialMilliseconds`, `retry.backoff.maxMilliseconds` | ``Retry/backoff`` |
    /// | `ledger` | ``ledger`` as text |
    /// | `token`, or `tokenFile` with the path of a file that holds it | ``credential`` |
    /// | `tls.enabled`, `tls.authorityFile`, `tls.certificateFile`, `tls.keyFile`, `tls.serverName` | ``tls`` |
    /// | `clientName` | ``clientName`` |
    /// | `waitingCallsMax`, `waitingBytesMax` | ``waitingCallsMax``, ``waitingBytesMax`` |
    ///
    /// - Throws: ``ManaError`` with the code ``ManaError/Code/invalidArgument``, which names the key, when a value is not of
    ///   the key's type or cannot be meant.
    public init(configReader: ConfigReader) throws(ManaError) {
      self.init()
      let reader = CheckedReader(configReader)
      try reader.number("connectionCount", 1...ClientLimits.connectionsMax, &connectionCount)
      try reader.duration("deadlineMilliseconds", &deadline)
      try reader.duration("connectTimeoutMilliseconds", &connectTimeout)
      try reader.backoff("backoff", &backoff)
      try reader.number("retry.attemptsMax", 1...Int.max, &retry.attemptsMax)
      try reader.backoff("retry.backoff", &retry.backoff)
      try reader.number("retry.tokensMax", 0...ClientLimits.retryTokensMax, &retry.tokensMax)
      try reader.fraction("retry.tokensPerAnswer", &retry.tokensPerAnswer)
      try reader.number("batching.pipelineDepth", 1...Int.max, &batching.pipelineDepth)
      try reader.number("batching.itemsMax", 1...Int.max, &batching.itemsMax)
      try reader.number("batching.bytesMax", 1...Int.max, &batching.bytesMax)
      try reader.duration("batching.lingerMilliseconds", from: 0, &batching.linger)
      try reader.number("waitingCallsMax", 1...Int.max, &waitingCallsMax)
      try reader.number("waitingBytesMax", Limits.frameBytesMax...Int.max, &waitingBytesMax)
      if let text = try reader.text("ledger") {
        guard let value = LedgerID(text) else { throw .configuration("ledger", "is no identifier of a ledger") }
        ledger = value
      }
      if let name = try reader.text("clientName") {
        guard name.utf8.count <= Limits.textBytesMax else {
          throw .configuration("clientName", "has at most \(Limits.textBytesMax) bytes")
        }
        clientName = name
      }
      credential = try reader.credential()
      tls = try reader.tls()
    }
  }

  /// Reads values, and refuses one of another type than its key's, which the reader beneath takes for missing: a client
  /// would run with the default and nobody would know.
  private struct CheckedReader {
    private let reader: ConfigReader

    init(_ reader: ConfigReader) { self.reader = reader }

    func text(_ key: ConfigKey, isSecret: Bool = false) throws(ManaError) -> String? {
      if let text = reader.string(forKey: key, isSecret: isSecret) { return text }
      guard !hasValue(key) else { throw .configuration("\(key)", "is a text") }
      return nil
    }

    /// Puts the number into `value`, when the key is there.
    func number(_ key: ConfigKey, _ range: ClosedRange<Int>, _ value: inout Int) throws(ManaError) {
      guard let number = reader.int(forKey: key) else {
        guard !hasValue(key) else { throw .configuration("\(key)", "is a whole number") }
        return
      }
      guard range.contains(number) else {
        let bounds =
          range.upperBound == .max ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
        throw .configuration("\(key)", "is \(bounds), not \(number)")
      }
      value = number
    }

    /// Puts the milliseconds into `value`, when the key is there.
    func duration(_ key: ConfigKey, from least: Int = 1, _ value: inout Duration) throws(ManaError) {
      var milliseconds = -1
      try number(key, least...Int(ClientLimits.durationSecondsMax) * 1_000, &milliseconds)
      if milliseconds >= least { value = .milliseconds(milliseconds) }
    }

    /// Puts a number from 0 to 1 into `value`, when the key is there.
    func fraction(_ key: ConfigKey, _ value: inout Double) throws(ManaError) {
      guard let number = reader.double(forKey: key) else {
        guard !hasValue(key) else { throw .configuration("\(key)", "is a number") }
        return
      }
      guard (0...1).contains(number) else { throw .configuration("\(key)", "is from 0 to 1, not \(number)") }
      value = number
    }

    /// Puts the pauses into `value`, as far as the keys below `key` are there.
    func backoff(_ key: ConfigKey, _ value: inout ManaClient.Configuration.Backoff) throws(ManaError) {
      let (initial, longest) = (
        ConfigKey(key.components + ["initialMilliseconds"]), ConfigKey(key.components + ["maxMilliseconds"])
      )
      try duration(initial, &value.initial)
      try duration(longest, &value.max)
      guard value.max >= value.initial else { throw .configuration("\(longest)", "is at least \(initial)") }
    }

    func credential() throws(ManaError) -> ManaClient.Credential? {
      let (token, file) = (try text("token", isSecret: true), try text("tokenFile"))
      guard token == nil || file == nil else {
        throw .configuration("tokenFile", "and token are both there; one of them says who the client is")
      }
      if let file { return try .token(file: file) }
      guard let token else { return nil }
      guard !token.isEmpty, token.utf8.count <= ClientLimits.tokenBytesMax else {
        throw .configuration("token", "has from 1 to \(ClientLimits.tokenBytesMax) bytes")
      }
      return .token(token)
    }

    /// TLS is on when it is said so, or when one of its files or its server name is there.
    func tls() throws(ManaError) -> ManaClient.Configuration.TLS? {
      let (isOn, certificate, key) = (
        reader.bool(forKey: "tls.enabled"), try text("tls.certificateFile"), try text("tls.keyFile")
      )
      guard isOn != nil || !hasValue("tls.enabled") else { throw .configuration("tls.enabled", "is true or false") }
      guard (certificate == nil) == (key == nil) else {
        throw .configuration(
          certificate == nil ? "tls.certificateFile" : "tls.keyFile",
          "is missing; a certificate and its key go together")
      }
      return try .combining(
        isOn: isOn, authority: try text("tls.authorityFile"), certificate: certificate, key: key,
        serverName: try text("tls.serverName"), environment: { _ in nil })
    }

    /// Whether there is a value of any type.
    private func hasValue(_ key: ConfigKey) -> Bool {
      reader.string(forKey: key, isSecret: true) != nil || reader.int(forKey: key, isSecret: true) != nil
        || reader.double(forKey: key, isSecret: true) != nil || reader.bool(forKey: key, isSecret: true) != nil
        || reader.bytes(forKey: key, isSecret: true) != nil || reader.stringArray(forKey: key, isSecret: true) != nil
        || reader.intArray(forKey: key, isSecret: true) != nil || reader.doubleArray(forKey: key, isSecret: true) != nil
        || reader.boolArray(forKey: key, isSecret: true) != nil
        || reader.byteChunkArray(forKey: key, isSecret: true) != nil
    }
  }

  extension ManaError {
    /// A key of a configuration has no value, or one that cannot be meant.
    fileprivate static func configuration(_ key: String, _ message: String) -> ManaError {
      ManaError(.invalidArgument, execution: .notExecuted, message: "the client's configuration: \(key) \(message)")
    }
  }
#endif
