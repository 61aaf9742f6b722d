#if ServiceLifecycleSupport
  public import ServiceLifecycle

  /// A client is a service: a `ServiceGroup` runs it, and its graceful shutdown lets calls that are under way end.
  extension ManaClient: Service {}

  extension ManaClient {
    /// Runs `operation`, and begins a graceful shutdown when the task's service group does.
    func drainingOnGracefulShutdown(_ operation: () async -> Void) async {
      await withGracefulShutdownHandler {
        await operation()
      } onGracefulShutdown: {
        self.beginGracefulShutdown()
      }
    }
  }
#else
  extension ManaClient {
    /// Runs `operation`: without swift-service-lifecycle nobody announces a graceful shutdown.
    func drainingOnGracefulShutdown(_ operation: () async -> Void) async { await operation() }
  }
#endif
