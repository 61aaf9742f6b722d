/// The version of everything in this repository: what each program answers to `--version`, the server's `welcome`, its
/// metrics and its package.
public let releaseVersion = "0.1.0"
